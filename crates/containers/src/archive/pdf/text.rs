//! The text of a content stream, in the order in which it is drawn: joined where one string begins where the last one ends, with a
//! space where there is a gap, and a line of its own where it is higher or lower.

use std::rc::Rc;

use memchr::memmem;

use super::font::{Font, push};
use super::syntax::{Lexer, Text, Token, is_blank};

/// The longest text of a content stream, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 32 << 20;
/// How many states may be saved, and how many operands one operator may have before they are taken for what is shown.
const MAX_STATES: usize = 256;
const MAX_OPERANDS: usize = 1 << 16;

/// A gap from which on it is a space, in sizes of the font: narrow ones between words have a quarter, kerning a tenth at most.
const MIN_SPACE: f64 = 0.17;
/// How far up, down or back the next string begins where it is another line.
const MIN_RISE: f64 = 0.45;
const MIN_RETURN: f64 = 0.6;
/// How wrong guessed widths may be, for each size of the font that was passed with them.
const GUESS: f64 = 0.2;

/// What a content stream shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Lines of text. Texts in properties, such as those for copying, come last.
    pub(super) text: String,
    /// Whether there is more than anybody reads, which is left out.
    pub(super) is_cut: bool,
    /// Whether some font does not say what its codes stand for.
    pub(super) has_unknown: bool,
}

/// Reads a content stream. `font` looks a font up by its name there.
pub(super) fn read(content: &[u8], font: &mut dyn FnMut(&[u8]) -> Rc<Font>) -> Shown {
    let mut page = Page::default();
    let mut operands: Vec<Token<'_>> = Vec::new();
    let mut lexer = Lexer::new(content);
    // Where one has no end, none behind it has, and no need to look for it each time.
    let mut has_endless_image = false;
    while let Some(token) = lexer.next() {
        let Token::Keyword(operator) = token else {
            operands.push(token);
            if operands.len() == MAX_OPERANDS {
                page.show_all(&operands);
                operands.clear();
            }
            continue;
        };
        match operator {
            b"ID" if !has_endless_image => has_endless_image = !skip_image(&mut lexer),
            b"Tf" => {
                if let [.., Token::Name(name), Token::Number(size)] = operands.as_slice() {
                    page.state.font = font(name);
                    page.state.size = *size;
                }
            }
            operator => page.operate(operator, &operands),
        }
        operands.clear();
    }
    let mut shown = page.shown;
    if !page.asides.is_empty() {
        shown.text.push('\n');
        shown.text.push_str(&page.asides);
    }
    shown
}

/// Passes over the data of an image that lies in the stream. Returns whether it has an end; what has none is no image.
fn skip_image(lexer: &mut Lexer<'_>) -> bool {
    /// How far behind the end of an image it has to look like a content stream again, in bytes.
    const LOOK_BYTES: usize = 12;
    let rest = lexer.rest();
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    let end = memmem::find_iter(rest, b"EI").find(|&at| {
        let behind = &rest[at + 2..];
        at > 0
            && is_blank(rest[at - 1])
            && behind.first().is_none_or(|&byte| is_blank(byte))
            && behind.iter().take(LOOK_BYTES).all(is_text)
    });
    lexer.skip(end.map_or(0, |end| end + 2));
    end.is_some()
}

/// `[a b c d e f]`: x' = ax + cy + e, y' = bx + dy + f.
#[derive(Debug, Clone, Copy)]
struct Matrix([f64; 6]);

impl Matrix {
    const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// First this one, then `next`.
    fn then(self, next: Self) -> Self {
        let (Self([a, b, c, d, e, f]), Self([na, nb, nc, nd, ne, nf])) = (self, next);
        Self([
            a * na + b * nc,
            a * nb + b * nd,
            c * na + d * nc,
            c * nb + d * nd,
            e * na + f * nc + ne,
            e * nb + f * nd + nf,
        ])
    }

    fn moved(self, x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y]).then(self)
    }
}

/// What `q` saves and `Q` restores.
#[derive(Debug, Clone)]
struct State {
    to_page: Matrix,
    font: Rc<Font>,
    size: f64,
    char_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            to_page: Matrix::IDENTITY,
            font: Rc::default(),
            size: 1.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }
}

struct Page {
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    /// Where the last string ended on the page, and by how many sizes of its font that may be wrong.
    pen: Option<(f64, f64, f64)>,
    shown: Shown,
    /// The characters of one string.
    string: String,
    /// Whether the last string was of blanks that are drawn elsewhere.
    is_aside: bool,
    asides: String,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            state: State::default(),
            saved: Vec::new(),
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            pen: None,
            shown: Shown::default(),
            string: String::new(),
            is_aside: false,
            asides: String::new(),
        }
    }
}

/// The last `N` operands, where they are numbers.
fn numbers<const N: usize>(operands: &[Token<'_>]) -> Option<[f64; N]> {
    let operands = operands.last_chunk::<N>()?;
    let mut numbers = [0.0; N];
    for (number, operand) in numbers.iter_mut().zip(operands) {
        let Token::Number(operand) = operand else { return None };
        *number = *operand;
    }
    Some(numbers)
}

impl Page {
    fn operate(&mut self, operator: &[u8], operands: &[Token<'_>]) {
        match operator {
            b"q" if self.saved.len() < MAX_STATES => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => {
                if let Some(matrix) = numbers(operands) {
                    self.state.to_page = Matrix(matrix).then(self.state.to_page);
                }
            }
            b"BT" => (self.text, self.line) = (Matrix::IDENTITY, Matrix::IDENTITY),
            b"Tm" => {
                if let Some(matrix) = numbers(operands) {
                    (self.text, self.line) = (Matrix(matrix), Matrix(matrix));
                }
            }
            b"Td" | b"TD" => {
                if let Some([x, y]) = numbers(operands) {
                    if operator == b"TD" {
                        self.state.leading = -y;
                    }
                    self.move_line(x, y);
                }
            }
            b"T*" => self.move_line(0.0, -self.state.leading),
            b"Tj" | b"TJ" => self.show_all(operands),
            b"'" => {
                self.move_line(0.0, -self.state.leading);
                self.show_all(operands);
            }
            b"\"" => {
                if let [.., Token::Number(word_space), Token::Number(char_space), Token::Text(_)] = operands {
                    (self.state.word_space, self.state.char_space) = (*word_space, *char_space);
                }
                self.move_line(0.0, -self.state.leading);
                self.show_all(operands.last_chunk::<1>().map_or(&[], |last| last));
            }
            b"BDC" | b"DP" => self.properties(operands),
            _ => {
                if let Some([number]) = numbers(operands) {
                    match operator {
                        b"Tc" => self.state.char_space = number,
                        b"Tw" => self.state.word_space = number,
                        b"Tz" => self.state.stretch = number / 100.0,
                        b"TL" => self.state.leading = number,
                        b"Ts" => self.state.rise = number,
                        _ => {}
                    }
                }
            }
        }
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.line = self.line.moved(x, y);
        self.text = self.line;
    }

    /// Texts that stand for what is marked, or say something of it.
    fn properties(&mut self, operands: &[Token<'_>]) {
        for operand in operands {
            if let Token::Text(text) = operand {
                text.shown().chars().for_each(|char| push(char, &mut self.asides));
                self.asides.push('\n');
            }
        }
    }

    /// Shows strings, moved by the numbers between them.
    fn show_all(&mut self, operands: &[Token<'_>]) {
        for operand in operands {
            match operand {
                Token::Text(text) => self.show(*text),
                Token::Number(number) => {
                    let State { size, stretch, .. } = self.state;
                    self.text = self.text.moved(-number / 1000.0 * size * stretch, 0.0);
                }
                _ => {}
            }
        }
    }

    fn show(&mut self, string: Text<'_>) {
        let bytes = string.bytes();
        let mut rest = &*bytes;
        if rest.is_empty() {
            return;
        }
        let separator = self.separator();
        let font = Rc::clone(&self.state.font);
        let State { size, char_space, word_space, stretch, .. } = self.state;
        let (mut advance, mut guessed) = (0.0, 0.0);
        self.string.clear();
        while !rest.is_empty() {
            // A font may make eight characters of a byte.
            if self.shown.text.len() + self.string.len() > MAX_TEXT_BYTES {
                self.shown.is_cut = true;
                break;
            }
            let (code, length) = font.code(rest);
            rest = &rest[length..];
            self.shown.has_unknown |= !font.write(code, &mut self.string);
            let (width, is_guess) = font.width(code);
            if is_guess {
                guessed += width;
            }
            let is_space = length == 1 && code == u32::from(b' ');
            advance += width * size + char_space + if is_space { word_space } else { 0.0 };
        }
        self.text = self.text.moved(advance * stretch, 0.0);
        // Blanks that are drawn elsewhere carry a line below a text, or nothing: they do not part what stands around them.
        let is_blank = self.string.trim().is_empty();
        self.is_aside = is_blank && (separator.is_some() || self.is_aside);
        if self.is_aside {
            return;
        }
        self.shown.text.extend(separator);
        self.shown.text.push_str(&self.string);
        let (x, y, ..) = self.origin();
        self.pen = Some((x, y, guessed * GUESS));
    }

    /// Where the next string begins on the page, in which direction it goes, and the size of its font there.
    fn origin(&self) -> (f64, f64, [f64; 2], f64) {
        let Matrix([a, b, _, _, x, y]) = self.text.moved(0.0, self.state.rise).then(self.state.to_page);
        let length = a.hypot(b);
        (x, y, [a / length, b / length], length * self.state.size.abs())
    }

    /// What stands between the last string and the next one, where that does not go on with it.
    fn separator(&self) -> Option<char> {
        let (x, y, [right, up], size) = self.origin();
        let (from_x, from_y, slack) = self.pen?;
        let (x, y) = ((x - from_x) / size, (y - from_y) / size);
        let along = x * right + y * up;
        let across = y * right - x * up;
        // What has no size is no number here, and is as if it had not moved.
        if across.abs() > MIN_RISE || along < -MIN_RETURN - slack {
            Some('\n')
        } else {
            (along > MIN_SPACE + slack).then_some(' ')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::font::Description;
    use super::super::syntax::Value;
    use super::*;

    /// The text of a content stream whose fonts have characters half as wide as high.
    fn text(content: &str) -> String {
        let mut fonts = |_: &[u8]| {
            let widths = Value::parse(b"[500]").into_list();
            let widths = std::iter::repeat_with(|| widths.first().and_then(Value::number));
            let widths = widths.take(256).flatten().map(Value::Number).collect();
            Rc::new(Font::new(Description { widths, ..Description::default() }))
        };
        read(content.as_bytes(), &mut fonts).text
    }

    #[test]
    fn strings_are_joined_as_they_are_shown() {
        assert_eq!(text("BT /F1 10 Tf (abc) Tj (def) Tj [(g) 20 (h) -30 (i) -400 (j)] TJ ET"), "abcdefghi j");
        assert_eq!(text(r"/F1 10 Tf (a\(b\)\101) Tj <63 64> Tj"), "a(b)Acd");
        assert_eq!(text("/F1 1 Tf (a) Tj () Tj [] TJ [()] TJ (b) Tj"), "ab");
    }

    #[test]
    fn lines_are_told_by_where_text_stands() {
        assert_eq!(
            text("BT /F1 10 Tf 5 700 Td (a) Tj 0 -12 Td (b) Tj 0 -12 TD (c) Tj T* (d) Tj (e) ' ET"),
            "a\nb\nc\nd\ne"
        );
        assert_eq!(text("/F1 10 Tf 12 TL (a) Tj 1 2 (b) \" (c) '"), "a\nb\nc");
        assert_eq!(text("/F1 10 Tf 1 0 0 1 5 700 Tm (a) Tj 1 0 0 1 5 680 Tm (b) Tj"), "a\nb");
        assert_eq!(text("/F1 10 Tf (abc) Tj 4 Ts (2) Tj 0 Ts (d) Tj"), "abc2d", "a superscript");
    }

    #[test]
    fn a_word_in_many_pieces_on_a_line_is_whole_and_two_words_are_two() {
        assert_eq!(text("BT /F1 10 Tf (a) Tj 5 0 Td (b) Tj 5 0 Td (c) Tj 8 0 Td (d) Tj ET"), "abc d");
        let blocks = "BT /F1 10 Tf 1 0 0 1 10 700 Tm (ab) Tj ET BT 1 0 0 1 20 700 Tm (cd) Tj ET \
            q 1 0 0 1 30.2 700 cm BT (ef) Tj ET Q q .1 0 0 .1 43 700 cm BT /F1 100 Tf (gh) Tj ET Q";
        assert_eq!(text(blocks), "abcdef gh");
        let upright =
            "BT /F1 10 Tf 0 1 -1 0 50 10 Tm (ab) Tj 0 1 -1 0 50 20 Tm (cd) Tj 0 1 -1 0 70 10 Tm (e) Tj";
        assert_eq!(text(upright), "abcd\ne");
        assert_eq!(text("/F1 10 Tf 3 Tc (ab) Tj 16 0 Td (cd) Tj"), "abcd", "spaced letters");
        let underlined = "BT /F1 10 Tf 50 70 Td (ab) Tj ET BT 50 70 Td [( ) -500 ( )] TJ ET BT 60 70 Td (cd) Tj ( ) Tj (e) Tj ET";
        assert_eq!(text(underlined), "abcd e", "a line below the text is made of blanks");
    }

    #[test]
    fn images_in_the_stream_are_passed_over_and_properties_read() {
        let content = "/F1 9 Tf (a) Tj BI /W 2 /H 2 ID (\u{1}EI x EI\u{2} (no) Tj \nEI Q (b) Tj";
        assert_eq!(text(content), "ab");
        assert_eq!(text("/F1 9 Tf BI ID (a) Tj"), "a", "one that never ends");
        assert_eq!(text("/F1 9 Tf /Span <</ActualText <FEFF0061FB01>>> BDC (x) Tj EMC"), "x\nafi\n");
    }

    #[test]
    fn a_text_without_end_is_cut_and_said() {
        let content = [b"/F1 9 Tf (".as_slice(), &vec![b'a'; MAX_TEXT_BYTES + 9], b") Tj (b) Tj"].concat();
        let shown = read(&content, &mut |_| Rc::default());
        assert!(shown.is_cut && shown.text.len() <= MAX_TEXT_BYTES + 1);
        assert!(!read(b"(a) Tj", &mut |_| Rc::default()).is_cut);
    }

    #[test]
    fn nonsense_is_passed_over() {
        for content in
            ["Tj", "1 Tf", "] TJ", "(a", "1 2 Td", "0 0 0 0 0 0 Tm (a) Tj (b) Tj", "Q Q Q", "(a) 1 \""]
        {
            let _ = text(content);
        }
        assert_eq!(text(&"q ".repeat(100_000)), "");
        assert_eq!(text(&format!("[{}] TJ", "(a)".repeat(100_000))).len(), 100_000);
    }
}

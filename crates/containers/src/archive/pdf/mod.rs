//! PDF files: the text of their pages as a reader sees it, what is attached to them, and every other stream in them.
//!
//! Objects are found by going forward through the file, on purpose not by its table of objects, as programs that show PDFs do:
//! what an incremental update replaced or deleted is in the file still, and so is what is left of a damaged one, and no table
//! leads there. Just that is what leaks.
//!
//! This takes two steps. While the file goes by, objects are kept as they are stored, within a limit ([`gather`]). Then they know
//! of each other: object streams are unpacked, pages are numbered, fonts are found, and streams are read one by one.

mod filters;
mod font;
mod gather;
mod strings;
mod syntax;
mod text;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Read as _};
use std::ops::Range;
use std::rc::Rc;

use bstr::BString;
use memchr::memmem;

use super::budget::Budget;

use self::filters::{Closed, Filters};
use self::font::{Description, Font};
use self::gather::{Gathered, Object, Stored};
use self::syntax::{Dictionary, Lexer, Token, Value};

pub(super) use self::gather::Gathering;

/// How many bytes of object streams are unpacked, and the longest page, in bytes.
const MAX_UNPACKED_BYTES: usize = 64 << 20;
const MAX_PAGE_BYTES: usize = 64 << 20;
/// How many objects an object stream has at most; writers put a few hundred there.
const MAX_UNPACKED_OBJECTS: usize = 1 << 16;
/// The longest table of a font that is read, in bytes.
const MAX_TABLE_BYTES: u64 = 4 << 20;
/// How many bytes of fonts are kept for those who show text with them.
const MAX_FONT_BYTES: usize = 16 << 20;
/// How many references may lead to one another.
const MAX_REFERENCES: usize = 16;

/// What an encrypted file is said to be.
const ENCRYPTED: &str =
    "it is encrypted; save it without encryption (qpdf --decrypt in.pdf out.pdf) and scan that";

/// A PDF file in memory.
pub(super) struct Pdf<'b> {
    store: Store<'b>,
    parts: Vec<Part>,
    fonts: Fonts,
    /// What could not be read so far: the name of a part, empty for the file itself, and why.
    pub(super) unread: Vec<(String, String)>,
    /// Whether some text is in a font that does not say what its codes stand for.
    pub(super) has_unknown_text: bool,
}

/// Something in the file that is a content of its own.
#[derive(Debug)]
pub(super) struct Part {
    /// What it is called, such as `page 3`.
    pub(super) name: BString,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The text that these streams show together, with these fonts.
    Shown { streams: Vec<usize>, fonts: Option<Rc<Names>> },
    /// An object's strings.
    Strings(usize),
    /// A stream's content.
    Stream(usize),
    /// A stream of which nothing says what it is.
    Unknown(usize),
}

/// What a part holds.
pub(super) enum Content<'p> {
    Text(String),
    File(Box<dyn BufRead + 'p>),
}

impl<'b> Pdf<'b> {
    /// Takes in what was gathered.
    pub(super) fn new(gathered: Gathered, budget: &'b Budget) -> Self {
        let Gathered { bytes, objects, is_encrypted, root, unread } = gathered;
        let name = |number: Option<u32>| number.map(|number| format!("object {number}")).unwrap_or_default();
        let unread = unread.into_iter().map(|(number, why)| (name(number), why)).collect();
        let mut pdf = Self {
            store: Store { bytes, objects, latest: HashMap::new(), budget },
            parts: Vec::new(),
            fonts: Fonts::default(),
            unread,
            has_unknown_text: false,
        };
        if is_encrypted {
            pdf.unread.push((String::new(), ENCRYPTED.to_owned()));
        } else {
            pdf.unpack_objects();
            pdf.list(root);
        }
        pdf
    }

    /// What is in the file; for a second call, nothing.
    pub(super) fn take_parts(&mut self) -> Vec<Part> {
        std::mem::take(&mut self.parts)
    }

    /// Unpacks object streams, and finds each object's latest version: the one that is last in the file.
    fn unpack_objects(&mut self) {
        let mut unpacked = 0;
        for index in 0..self.store.objects.len() {
            let number = self.store.objects[index].number;
            self.store.latest.insert(number, index);
            let mut dictionary = self.store.dictionary(index);
            if dictionary.name("Type") != Some(b"ObjStm") {
                continue;
            }
            let (count, first) = (dictionary.size("N").unwrap_or(0), dictionary.size("First").unwrap_or(0));
            let mut bytes = Vec::new();
            let room = MAX_UNPACKED_BYTES.saturating_sub(unpacked);
            let result = match self.store.open(index, &mut dictionary) {
                Ok(reader) => {
                    reader.take(room as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())
                }
                Err(Closed::Unknown(why)) => Err(why),
                Err(Closed::Image) => Ok(0),
            };
            drop(dictionary);
            let result = result.and_then(|read| {
                let why = format!(
                    "its objects unpack to more than {} MiB; split the PDF",
                    MAX_UNPACKED_BYTES >> 20
                );
                if read == room { Err(why) } else { Ok(()) }
            });
            if let Err(why) = result {
                self.unread.push((format!("object {number}"), why));
            }
            if count > MAX_UNPACKED_OBJECTS {
                let why = format!("it has more than {MAX_UNPACKED_OBJECTS} objects; save the PDF anew");
                self.unread.push((format!("object {number}"), why));
            }
            let added = self.store.add_unpacked(&bytes, count.min(MAX_UNPACKED_OBJECTS), first);
            unpacked += bytes.len() + added * size_of::<Object>();
            if self.store.budget.is_spent() {
                return;
            }
        }
    }

    /// Finds out what each object is.
    fn list(&mut self, root: Option<u32>) {
        let survey = Survey::of(&self.store, &mut self.fonts);
        let root = root.or(survey.catalog);
        let (pages, forms) = self.pages(root);
        let mut is_on_page = HashSet::new();
        for (number, page) in pages.into_iter().enumerate() {
            let name = format!("page {}", number + 1);
            let mut streams = Vec::new();
            for object in page.contents {
                match self.store.latest.get(&object) {
                    Some(&index) => streams.push(index),
                    None => {
                        let why = format!("object {object}, which is its content, is not in the file");
                        self.unread.push((name.clone(), why));
                    }
                }
            }
            is_on_page.extend(streams.iter().copied());
            let name = name.into();
            self.parts.push(Part { name, what: What::Shown { streams, fonts: page.fonts } });
        }
        for (index, object) in self.store.objects.iter().enumerate() {
            let is_latest = self.store.latest.get(&object.number) == Some(&index);
            let earlier = if is_latest { "" } else { ", an earlier version" };
            let name = |what: &str| match forms.get(&object.number) {
                Some(page) => BString::from(format!("page {page} (object {}{earlier}{what})", object.number)),
                None => BString::from(format!("object {}{earlier}{what}", object.number)),
            };
            if survey.has_strings.contains(&index) {
                // A stream's content goes by the object's own name.
                let what = if object.stream == Stored::None { "" } else { " (dictionary)" };
                self.parts.push(Part { name: name(what), what: What::Strings(index) });
            }
            let Stored::At(_) = object.stream else { continue };
            if is_on_page.contains(&index) {
                continue;
            }
            let shown =
                |fonts: &Option<Rc<Names>>| What::Shown { streams: vec![index], fonts: fonts.clone() };
            let (role, number) = (survey.roles.get(&index), object.number);
            let (name, what) = match (role, survey.attached.get(&number), survey.contents.get(&number)) {
                (Some(Role::Objects), ..) => continue,
                (Some(Role::Shows(fonts)), ..) => (name(""), shown(fonts)),
                (_, Some(file), _) => {
                    ([file.as_slice(), earlier.as_bytes()].concat().into(), What::Stream(index))
                }
                (_, _, Some(fonts)) => (name(""), shown(fonts)),
                (Some(Role::Data), ..) => (name(""), What::Stream(index)),
                (None, ..) => (name(""), What::Unknown(index)),
            };
            self.parts.push(Part { name, what });
        }
    }

    /// The pages, in their order, as far as their tree leads; and for what is drawn on one with a name, the number of the page.
    fn pages(&mut self, root: Option<u32>) -> (Vec<Page>, HashMap<u32, usize>) {
        let store = &self.store;
        let (mut pages, mut forms) = (Vec::new(), Forms::default());
        let mut seen = HashSet::new();
        let catalog = root.and_then(|root| store.latest_value(root)).map(Value::into_dictionary);
        let mut next = vec![(catalog.unwrap_or_default().take("Pages"), None)];
        while let Some((node, above)) = next.pop() {
            let Value::Reference(number) = node else { continue };
            if !seen.insert(number) {
                continue;
            }
            let mut node = store.resolve(node).into_dictionary();
            let resources = node.take("Resources");
            let fonts = self.fonts.of_resources(store, resources.clone()).or(above);
            match store.resolve(node.take("Kids")) {
                Value::Array(kids) => {
                    next.extend(kids.into_iter().rev().map(|kid| (kid, fonts.clone())));
                }
                _ => {
                    pages.push(Page { contents: store.references(node.take("Contents")), fonts });
                    forms.note(store, resources, pages.len());
                }
            }
        }
        (pages, forms.pages)
    }

    /// What a part holds, and why there is not more of it where that is so.
    pub(super) fn content(&mut self, part: &Part) -> (Content<'_>, Option<String>) {
        match &part.what {
            What::Strings(index) => (Content::Text(strings::of(&self.store.value(*index))), None),
            What::Shown { streams, fonts } => self.shown(streams, fonts.as_deref()),
            What::Stream(index) => self.file(*index),
            What::Unknown(index) => self.unknown(*index),
        }
    }

    fn shown(&mut self, streams: &[usize], names: Option<&Names>) -> (Content<'_>, Option<String>) {
        let (mut content, mut why) = (Vec::new(), None);
        for &index in streams {
            let room = MAX_PAGE_BYTES - content.len();
            match self.store.open(index, &mut self.store.dictionary(index)) {
                Ok(reader) => match reader.take(room as u64).read_to_end(&mut content) {
                    Ok(read) if read == room => {
                        why = Some(format!(
                            "it has more than {} MiB; the rest is not read",
                            MAX_PAGE_BYTES >> 20
                        ));
                        break;
                    }
                    Ok(_) => {}
                    Err(error) => why = Some(error.to_string()),
                },
                Err(Closed::Image) => {}
                Err(Closed::Unknown(reason)) => why = Some(reason),
            }
            // A token does not go on in the next stream.
            content.push(b'\n');
            if content.len() >= MAX_PAGE_BYTES {
                break;
            }
        }
        let (store, fonts) = (&self.store, &mut self.fonts);
        let shown = text::read(&content, &mut |name| fonts.named(store, names, name));
        self.has_unknown_text |= shown.has_unknown;
        // What it takes to show a text counts too: a font may make much of little.
        let spent = self.store.budget.spend((content.len() + shown.text.len()) as u64);
        why = why.or(spent.err().map(|error| error.to_string()));
        if shown.is_cut {
            why = Some(format!(
                "it shows more than {} MiB of text; the rest is not read",
                text::MAX_TEXT_BYTES >> 20
            ));
        }
        (Content::Text(shown.text), why)
    }

    fn file(&self, index: usize) -> (Content<'_>, Option<String>) {
        match self.store.open(index, &mut self.store.dictionary(index)) {
            Ok(reader) => (Content::File(reader), None),
            Err(Closed::Image) => (Content::File(Box::new(io::empty())), None),
            Err(Closed::Unknown(why)) => (Content::File(Box::new(io::empty())), Some(why)),
        }
    }

    /// A stream that nothing leads to: what is left of a page, or whatever it is.
    fn unknown(&mut self, index: usize) -> (Content<'_>, Option<String>) {
        const LOOK_BYTES: u64 = 64 << 10;
        let mut head = Vec::new();
        if let Ok(reader) = self.store.open(index, &mut self.store.dictionary(index)) {
            // What is damaged is told when it is read.
            let _ = reader.take(LOOK_BYTES).read_to_end(&mut head);
        }
        if shows_text(&head) { self.shown(&[index], None) } else { self.file(index) }
    }
}

/// Whether it looks like a content stream with text.
fn shows_text(content: &[u8]) -> bool {
    let has = |operator: &[u8]| memmem::find(content, operator).is_some();
    has(b"BT") && has(b"Tf") && (has(b"Tj") || has(b"TJ") || has(b"Td") || has(b"Tm"))
}

/// A page of the page tree.
struct Page {
    /// The objects whose streams are its content.
    contents: Vec<u32>,
    fonts: Option<Rc<Names>>,
}

/// On which page forms are drawn: on the first one, where there are several.
#[derive(Default)]
struct Forms {
    pages: HashMap<u32, usize>,
    seen: HashSet<u32>,
}

impl Forms {
    /// Takes note of the forms that `resources` name, and of those in them.
    fn note<'s>(&mut self, store: &'s Store<'_>, resources: Value<'s>, page: usize) {
        let mut next = vec![resources];
        while let Some(resources) = next.pop() {
            let Some(mut resources) = self.unseen(store, resources) else { continue };
            let Some(forms) = self.unseen(store, resources.take("XObject")) else { continue };
            for (_, form) in forms.0 {
                let Value::Reference(number) = form else { continue };
                if let Entry::Vacant(vacant) = self.pages.entry(number) {
                    vacant.insert(page);
                    next.push(store.resolve(form).into_dictionary().take("Resources"));
                }
            }
        }
    }

    /// A dictionary, unless it is an object that was looked at before.
    fn unseen<'s>(&mut self, store: &'s Store<'_>, value: Value<'s>) -> Option<Dictionary<'s>> {
        let is_new = if let Value::Reference(number) = value { self.seen.insert(number) } else { true };
        is_new.then(|| store.resolve(value).into_dictionary())
    }
}

/// The objects of a file.
struct Store<'b> {
    bytes: Vec<u8>,
    objects: Vec<Object>,
    /// Where each object's latest version is.
    latest: HashMap<u32, usize>,
    budget: &'b Budget,
}

impl<'b> Store<'b> {
    fn value(&self, index: usize) -> Value<'_> {
        let range = self.objects[index].value.clone();
        // Objects are parsed as often as somebody asks for them, which a file may drive up.
        match self.budget.spend(range.len() as u64) {
            Ok(()) => Value::parse(&self.bytes[range]),
            Err(_) => Value::Other,
        }
    }

    fn dictionary(&self, index: usize) -> Dictionary<'_> {
        self.value(index).into_dictionary()
    }

    fn latest_value(&self, number: u32) -> Option<Value<'_>> {
        self.latest.get(&number).map(|&index| self.value(index))
    }

    /// The value itself, where it is an object of its own.
    fn resolve<'s>(&'s self, mut value: Value<'s>) -> Value<'s> {
        for _ in 0..MAX_REFERENCES {
            let Value::Reference(number) = value else { return value };
            value = self.latest_value(number).unwrap_or(Value::Other);
        }
        Value::Other
    }

    /// The numbers of the objects in a list, which may be an object itself, or one element without a list.
    fn references(&self, value: Value<'_>) -> Vec<u32> {
        let list = match value {
            Value::Reference(number) => match self.latest_value(number) {
                Some(Value::Array(values)) => values,
                _ => return vec![number],
            },
            value => value.into_list(),
        };
        let references = list.into_iter();
        references
            .filter_map(|value| if let Value::Reference(number) = value { Some(number) } else { None })
            .collect()
    }

    /// Opens an object's stream, whose dictionary this is.
    fn open<'s>(
        &'s self,
        index: usize,
        dictionary: &mut Dictionary<'s>,
    ) -> Result<Box<dyn BufRead + 's>, Closed> {
        let Stored::At(range) = self.objects[index].stream.clone() else { return Ok(Box::new(io::empty())) };
        let filters = Filters::of(dictionary, |value| self.resolve(value))?;
        Ok(filters.reader(&self.bytes[range], self.budget))
    }

    /// A stream that something names, to a limit; nothing where it is none.
    fn table(&self, value: &Value<'_>) -> Option<Vec<u8>> {
        let Value::Reference(number) = value else { return None };
        let &index = self.latest.get(number)?;
        let Stored::At(_) = self.objects[index].stream else { return None };
        let mut table = Vec::new();
        // What is damaged names fewer characters; the stream is read by itself too, which tells.
        let reader = self.open(index, &mut self.dictionary(index)).ok()?;
        let _ = reader.take(MAX_TABLE_BYTES).read_to_end(&mut table);
        // Not every table is compressed, and so counted; and it may be asked for again and again.
        self.budget.spend(table.len() as u64).ok()?;
        Some(table)
    }

    /// Adds the objects of an object stream: `count` pairs of numbers and offsets, and the values from `first` on. Returns how
    /// many there are.
    fn add_unpacked(&mut self, bytes: &[u8], count: usize, first: usize) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let mut lexer = Lexer::new(&bytes[..first.min(bytes.len())]);
        let mut number = || match lexer.next() {
            Some(Token::Number(number)) if number >= 0.0 => Some(number as usize),
            _ => None,
        };
        let pairs = std::iter::from_fn(|| Some((u32::try_from(number()?).ok()?, number()?)));
        let pairs: Vec<(u32, usize)> = pairs.take(count).collect();
        let mut offsets: Vec<usize> = pairs.iter().map(|&(_, offset)| offset).collect();
        offsets.sort_unstable();
        for &(number, offset) in &pairs {
            // One goes to where the next one begins.
            let next = offsets.get(offsets.partition_point(|&other| other <= offset));
            let place = |offset: usize| start + first.saturating_add(offset).min(bytes.len());
            let value: Range<usize> = place(offset)..next.map_or(start + bytes.len(), |&next| place(next));
            self.latest.insert(number, self.objects.len());
            self.objects.push(Object { number, value, stream: Stored::None, is_unpacked: true });
        }
        pairs.len()
    }
}

/// What streams are.
enum Role {
    /// Objects, which were unpacked.
    Objects,
    /// Text is drawn by it, with these fonts.
    Shows(Option<Rc<Names>>),
    /// Something else.
    Data,
}

/// What objects say of themselves and of each other.
#[derive(Default)]
struct Survey {
    catalog: Option<u32>,
    /// By where the object is.
    roles: HashMap<usize, Role>,
    has_strings: HashSet<usize>,
    /// The streams that any page, also one that was deleted or replaced, has as its content.
    contents: HashMap<u32, Option<Rc<Names>>>,
    /// The names of attached files, by their streams.
    attached: HashMap<u32, BString>,
}

impl Survey {
    fn of(store: &Store<'_>, fonts: &mut Fonts) -> Self {
        let mut survey = Self::default();
        for (index, object) in store.objects.iter().enumerate() {
            let value = store.value(index);
            if strings::is_worth_reading(&value, object.is_unpacked) {
                survey.has_strings.insert(index);
            }
            let Value::Dictionary(mut dictionary) = value else { continue };
            let names = fonts.of_resources(store, dictionary.take("Resources"));
            if object.stream == Stored::None {
                survey.note(store, object.number, dictionary, names.as_ref());
            } else if let Some(role) = Self::role(&dictionary, names) {
                survey.roles.insert(index, role);
            }
        }
        survey
    }

    fn role(dictionary: &Dictionary<'_>, names: Option<Rc<Names>>) -> Option<Role> {
        Some(match (dictionary.name("Type"), dictionary.name("Subtype")) {
            (Some(b"ObjStm"), _) => Role::Objects,
            (_, Some(b"Form")) => Role::Shows(names),
            (Some(b"Pattern"), _) => Role::Shows(names),
            _ if dictionary.get("PatternType").is_some() => Role::Shows(names),
            (Some(_), _) | (_, Some(_)) => Role::Data,
            _ => return None,
        })
    }

    /// Takes note of what an object without a stream says of others.
    fn note<'s>(
        &mut self,
        store: &'s Store<'_>,
        number: u32,
        mut dictionary: Dictionary<'s>,
        names: Option<&Rc<Names>>,
    ) {
        match dictionary.name("Type") {
            Some(b"Catalog") => self.catalog = Some(number),
            Some(b"Page") => {
                for stream in store.references(dictionary.take("Contents")) {
                    self.contents.insert(stream, names.cloned());
                }
            }
            _ => {}
        }
        let file = [dictionary.take("UF"), dictionary.take("F")].map(|name| store.resolve(name));
        let file = file.into_iter().find_map(|name| match name {
            Value::Text(name) => Some(BString::from(name.shown())),
            _ => None,
        });
        let streams = store.resolve(dictionary.take("EF")).into_dictionary();
        for (_, stream) in streams.0 {
            if let (Value::Reference(stream), Some(file)) = (stream, &file) {
                self.attached.insert(stream, file.clone());
            }
        }
    }
}

/// The fonts of a page's resources: the objects that they are, by their names there.
#[derive(Debug, Default)]
struct Names(HashMap<Vec<u8>, u32>);

/// Finds fonts, and keeps those that were found.
#[derive(Default)]
struct Fonts {
    /// By the objects that resources, or the lists of fonts in them, are.
    lists: HashMap<u32, Option<Rc<Names>>>,
    /// Which font a name stood for last: for content whose own resources do not have it.
    anywhere: HashMap<Vec<u8>, u32>,
    loaded: HashMap<u32, Rc<Font>>,
    loaded_bytes: usize,
}

impl Fonts {
    /// The fonts that resources have; `None` where they have none.
    fn of_resources(&mut self, store: &Store<'_>, resources: Value<'_>) -> Option<Rc<Names>> {
        self.listed(store, resources, |fonts, resources| {
            let Value::Dictionary(mut resources) = resources else { return None };
            fonts.listed(store, resources.take("Font"), |fonts, list| {
                let Value::Dictionary(list) = list else { return None };
                let named = list.0.into_iter().filter_map(|(name, font)| match font {
                    Value::Reference(number) => Some((name.into_owned(), number)),
                    _ => None,
                });
                let names = Names(named.collect());
                fonts.anywhere.extend(names.0.iter().map(|(name, number)| (name.clone(), *number)));
                Some(Rc::new(names))
            })
        })
    }

    /// What `read` makes of a value; known from before where it is an object that was read.
    fn listed<'s>(
        &mut self,
        store: &'s Store<'_>,
        value: Value<'s>,
        read: impl FnOnce(&mut Self, Value<'s>) -> Option<Rc<Names>>,
    ) -> Option<Rc<Names>> {
        let Value::Reference(number) = value else { return read(self, value) };
        if let Some(known) = self.lists.get(&number) {
            return known.clone();
        }
        let names = read(self, store.resolve(value));
        self.lists.insert(number, names.clone());
        names
    }

    /// The font of this name: of these resources, or else of any; where there is none, one whose codes are characters.
    fn named(&mut self, store: &Store<'_>, names: Option<&Names>, name: &[u8]) -> Rc<Font> {
        let name = &*syntax::without_escapes(name);
        let number = names.and_then(|names| names.0.get(name)).or_else(|| self.anywhere.get(name));
        let Some(&number) = number else { return Rc::default() };
        if let Some(font) = self.loaded.get(&number) {
            return Rc::clone(font);
        }
        let font = Rc::new(load_font(store, number));
        if self.loaded_bytes + font.size() > MAX_FONT_BYTES {
            self.loaded.clear();
            self.loaded_bytes = 0;
        }
        self.loaded_bytes += font.size();
        self.loaded.insert(number, Rc::clone(&font));
        font
    }
}

fn load_font(store: &Store<'_>, number: u32) -> Font {
    let mut font = store.latest_value(number).unwrap_or(Value::Other).into_dictionary();
    let to_unicode = store.table(&font.take("ToUnicode"));
    let encoding = font.take("Encoding");
    let encoding_table = store.table(&encoding);
    let (encoding, differences) = match store.resolve(encoding) {
        Value::Name(name) => (Some(name), Vec::new()),
        encoding => (None, store.resolve(encoding.into_dictionary().take("Differences")).into_list()),
    };
    let descendant = store.resolve(font.take("DescendantFonts")).into_list().into_iter().next();
    let mut descendant = descendant.map(|descendant| store.resolve(descendant).into_dictionary());
    let widths = match &mut descendant {
        Some(descendant) => descendant.take("W"),
        None => font.take("Widths"),
    };
    let widths = store.resolve(widths).into_list().into_iter().map(|width| store.resolve(width)).collect();
    Font::new(Description { font, encoding, encoding_table, differences, widths, descendant, to_unicode })
}

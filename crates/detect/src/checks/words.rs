//! Whether letters read like words: by how often one letter follows another.

/// The least mean weight of the letter pairs in words. Of eight random letters one in twelve reads like a word, of twelve
/// one in fifty; of words put together one in fifty does not.
const MIN_MEAN_WEIGHT: f32 = 4.5;
/// The fewest pairs that say anything.
const MIN_PAIRS: u32 = 3;

/// How much likelier the second letter is behind the first than any other letter: the binary logarithm of it, plus 5,
/// between 0 and 9. One row for each first letter. Counted over the words in this project's own text by
/// `benches/generic/letters.py`.
const WEIGHTS: [[u8; 26]; 26] = [
    *b"45650250504657050767423240",
    *b"71517200551731710551700051",
    *b"60337207406630800536400020",
    *b"62058341700230620460520240",
    *b"62674431300557151775052530",
    *b"60316650800630703555500040",
    *b"50008046701436530664500020",
    *b"72008000700120730535510030",
    *b"43555450221648641567140404",
    *b"50007000306000703070705000",
    *b"30149200700406300174301030",
    *b"70068320702622740055531040",
    *b"75208000601464671242501030",
    *b"51676470504314630367442040",
    *b"14552340404667550755656110",
    *b"70027125600730652755502040",
    *b"11411411111654151711914141",
    *b"60558240603344620466521050",
    *b"50508016604320551268503040",
    *b"60538107700230630665402140",
    *b"45555440500667350767020000",
    *b"70039011700000300200104030",
    *b"71037007601016700753003300",
    *b"64526503600342270028000650",
    *b"54506004300456660077006204",
    *b"51119141711511511111511111",
];

/// Whether the runs of letters in `value` read like words of a language, rather than like random letters.
pub(crate) fn reads_like_words(value: &[u8]) -> bool {
    let index = |byte: u8| usize::from(byte.to_ascii_lowercase() - b'a');
    let (mut total, mut pairs) = (0, 0);
    for pair in value.windows(2) {
        if pair.iter().all(u8::is_ascii_alphabetic) {
            total += u32::from(WEIGHTS[index(pair[0])][index(pair[1])] - b'0');
            pairs += 1;
        }
    }
    pairs >= MIN_PAIRS && total as f32 >= MIN_MEAN_WEIGHT * pairs as f32
}

/// The words of a name, split at everything that is no letter and at the humps of camel case.
pub fn words(name: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    name.split(|byte| !byte.is_ascii_alphabetic()).flat_map(humps).filter(|word| !word.is_empty())
}

/// The parts of `dbPassword`. Runs of capitals stay together: `APIKey` is one word.
fn humps(run: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    run.chunk_by(|before, after| !(before.is_ascii_lowercase() && after.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_several_languages_read_like_words() {
        for value in
            ["tigerlily", "correct-horse-battery", "Wachtwoord", "salasana", "expectedValue", "kubernetes"]
        {
            assert!(reads_like_words(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn random_letters_do_not() {
        for value in ["xkqjzvwp", "hgtrbnmk", "wxcvqsdf", "PvQzXkLm", "a1b2", "9f86d081884c"] {
            assert!(!reads_like_words(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn names_are_split_at_separators_digits_and_humps() {
        let split = |name: &'static str| {
            words(name.as_bytes()).map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(split("db_passwordProd2"), ["db", "password", "Prod"]);
        assert_eq!(split("x-api-key"), ["x", "api", "key"]);
        assert_eq!(split("kAPIKey"), ["k", "APIKey"]);
        assert_eq!(split("2_3"), [""; 0]);
    }
}

//! The same kind of value where it is a secret and where it is not: what stands around it, and in which file, decides.

use crate::fixture::Scratch;
use crate::secrets::Random;

/// Scans a file for each case, `@` in its text being the secret.
fn assert_found(cases: &[(&str, &str, bool)], secret: impl Fn(&mut Random) -> String) {
    let scratch = Scratch::new();
    let mut random = Random::new(4);
    for (number, (path, text, is_found)) in cases.iter().enumerate() {
        let (path, secret) = (format!("{number}/{path}"), secret(&mut random));
        scratch.write(&path, text.replace('@', &secret));
        let report = scratch.scan(&[&path]);
        assert_eq!(report.secrets().contains(&secret.as_str()), *is_found, "{path}: {text}");
    }
}

fn hex_key(random: &mut Random) -> String {
    format!("{}4a", random.text(b"0123456789abcdef", 30))
}

#[test]
fn a_key_beside_its_texts_is_a_test_vector() {
    assert_found(
        &[
            ("aes.py", "key = '@'\n", true),
            ("aes.js", "{ key: '@', iv: 'f9', salted: true }\n", true),
            ("vectors.js", "{ key: '@', pt: '00ff01', ct: '30ab9c' }\n", false),
            ("vectors.txt", "MSG: 00ff01\nKEY: @\n", false),
        ],
        hex_key,
    );
}

#[test]
fn verdicts_on_tests_are_no_passwords() {
    assert_found(
        &[
            ("login.conf", "USER: app\nPASS: @\n", true),
            ("login.env", "PASS=@\n", true),
            ("report.log", "PASS: @\nFAIL: b\n", false),
            ("report.log", "FAIL: b\nPASS: @\n", false),
        ],
        |random| format!("k{}7X", random.text(b"bcdfghjkmnpqrstvwxz23456789", 9)),
    );
}

#[test]
fn numbers_are_passwords_from_six_digits_on() {
    let cases = [("db.php", "$db_pwd = '@';\n", true), ("limits.php", "$pwd_seconds = '@';\n", false)];
    assert_found(&cases, |random| format!("58{}", random.text(b"134679", 6)));
    assert_found(&[("db.php", "$db_pwd = '@';\n", false)], |random| {
        format!("7{}", random.text(b"134689", 3))
    });
}

#[test]
fn what_a_program_asks_for_is_a_password() {
    assert_found(
        &[
            ("app.py", "if password == '@':\n", true),
            ("App.java", "if (password.equals(\"@\")) {\n", true),
            ("test_app.py", "    assert user.password == '@'\n", true),
            ("test_app.py", "    assert token == '@'\n", false),
            ("app.py", "if kind == '@':\n", false),
        ],
        |random| format!("q{}8K", random.text(b"bcdfghjkmnpqrstvwxz23456789", 8)),
    );
}

//! What is encrypted already, or public by design, is no finding; what stands beside it still is. And names, read by words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fixture::{Report, Repository, Scratch};
use crate::secrets::{Random, password};

const BASE62: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";

fn random(seed: u64, length: usize) -> String {
    Random::new(seed).text(BASE62, length)
}

/// A value of letters and digits with at least one digit, as machines make them.
fn token(seed: u64) -> String {
    format!("{}7{}", random(seed, 18), random(seed + 1, 13))
}

fn json_web_token(seed: u64, claims: &str) -> String {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    [URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims), random(seed, 43)].join(".")
}

/// The names of the files in which something was found.
fn files(report: &Report) -> Vec<String> {
    let places = report.findings.iter().flat_map(|finding| finding["places"].as_array().unwrap());
    let mut files: Vec<String> =
        places.map(|place| place["path"].as_str().unwrap().trim_start_matches("./").to_owned()).collect();
    files.sort();
    files.dedup();
    files
}

#[track_caller]
fn assert_found_in(scratch: &Scratch, expected: &[&str]) {
    let mut expected: Vec<String> = expected.iter().map(|file| format!("in/{file}")).collect();
    expected.sort();
    let found: Vec<String> = files(&scratch.scan(&["in"]))
        .into_iter()
        .map(|file| file.find("in/").map_or(file.clone(), |at| file[at..].to_owned()))
        .collect();
    assert_eq!(found, expected);
}

fn env_is_fine(repository: &Repository) -> bool {
    repository.run_keysieve(&["env"]).code == 0 && repository.audit_with(&["--no-cache"]).findings.is_empty()
}

#[test]
fn encrypted_environment_files_may_be_committed_and_plain_values_in_them_may_not() {
    let scratch = Scratch::new();
    let text = |seed: u64, length: usize| random(seed, length);
    let sops = |seed: u64| {
        format!(
            "ENC[AES256_GCM,data:{},iv:{}=,tag:{}==,type:str]",
            text(seed, 24),
            text(seed + 1, 43),
            text(seed + 2, 22)
        )
    };
    let dotenvx = |seed: u64| format!("\"encrypted:BD{}\"", text(seed, 160));
    for (name, value, plain) in [("dotenvx", dotenvx(1), 3601), ("sops", sops(5), 3602)] {
        let repository = scratch.repository(name);
        let lines = format!("DB_PASSWORD={value}\nSTRIPE_SECRET_KEY={value}\nAPI_TOKEN={value}\n");
        repository.commit_file(".env", &lines);
        assert!(env_is_fine(&repository), "{name}: {:#?}", repository.keysieve(&[]).stdout);
        repository.commit_file(".env", format!("{lines}NEW_PASSWORD={}\n", password(plain)));
        assert!(!env_is_fine(&repository), "{name}");
        repository.audit().assert_secrets(&[&password(plain)]);
    }
}

#[test]
fn tokens_that_everybody_may_have_are_no_findings() {
    let scratch = Scratch::new();
    let supabase = |seed, role: &str| {
        json_web_token(
            seed,
            &format!(
                r#"{{"iss":"supabase","ref":"abcdefghijklmnopqrst","role":"{role}","iat":1700000000,"exp":2015000000}}"#
            ),
        )
    };
    scratch.write("in/client.ts", format!("createClient(url, \"{}\")\n", supabase(3610, "anon")));
    scratch.write("in/admin.ts", format!("createClient(url, \"{}\")\n", supabase(3611, "service_role")));
    let example = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
    scratch.write("in/api.yaml", format!("token: {}\n", json_web_token(3612, example)));
    let short = r#"{"iss":"github.com","aud":"raw.githubusercontent.com","exp":1700000300,"nbf":1700000000}"#;
    scratch.write("in/README.md", format!("![x](https://h.net/1.png?jwt={})\n", json_web_token(3613, short)));
    scratch.write(
        "in/real.py",
        format!(
            "token = \"{}\"\n",
            json_web_token(3614, r#"{"sub":"ann","iat":1700000000,"exp":1900000000}"#)
        ),
    );
    assert_found_in(&scratch, &["admin.ts", "real.py"]);
}

#[test]
fn keys_of_web_pages_are_told_by_what_stands_beside_them() {
    let scratch = Scratch::new();
    let google = |seed| ["AI", "za", &random(seed, 34), "7"].concat();
    let hex = |seed| Random::new(seed).text(HEX, 32);
    scratch.write(
        "in/firebase.js",
        format!(
            "const firebaseConfig = {{\n  apiKey: \"{}\",\n  authDomain: \"x.firebaseapp.com\",\n  projectId: \"x\",\n}};\n",
            google(3620)
        ),
    );
    scratch.write("in/maps.js", format!("const options = {{ apiKey: \"{}\" }};\n", google(3621)));
    scratch.write(
        "in/docusaurus.config.js",
        format!(
            "algolia: {{\n  appId: 'ABCDEFGHIJ',\n  apiKey: '{}',\n  indexName: 'docs',\n}},\n",
            hex(3622)
        ),
    );
    scratch.write("in/search.ts", format!("const algoliaSearchApiKey = '{}';\n", hex(3623)));
    scratch.write("in/admin.ts", format!("const algoliaAdminApiKey = '{}';\n", hex(3624)));
    let uuid = "0b9f7c52-3d1e-4c6a-9f58-7a2e4b1c6d30";
    let bucket = "https://firebasestorage.googleapis.com/v0/b/x.appspot.com/o/a.png";
    scratch.write("in/picture.md", format!("![a]({bucket}?alt=media&token={uuid})\n"));
    scratch.write("in/other.md", format!("curl 'https://host.net/files?token={}'\n", token(3625)));
    scratch.write("in/keys.yml", format!("key: {}\n", Random::new(3626).text(b"0123456789ABCDEF", 40)));
    assert_found_in(&scratch, &["maps.js", "admin.ts", "other.md"]);
}

#[test]
fn marks_tasks_labels_and_prose_stand_for_values() {
    let scratch = Scratch::new();
    scratch.write(
        "in/app.properties",
        "db.password=@db.password2@\npassword=%%DB_PASS_1%%\nsecret=__APP_SECRET_V2__\nkey.password=###ORACLE_PWD_1###\napi.password=TODO_set_me_1\n",
    );
    scratch.write(
        "in/ui.json",
        "{\"labelPassword\": \"Password:\", \"password\": \"パスワードは8文字\", \"token\": \"HmacSHA256\"}\n",
    );
    scratch.write(
        "in/secret.yaml",
        "kind: Secret\ndata:\n  password: Y2hhbmdlbWUK\n  token: eW91ci1hcGkta2V5LWhlcmU=\n",
    );
    scratch.write("in/real.properties", format!("db.password={}\n", password(3630)));
    assert_found_in(&scratch, &["real.properties"]);
}

#[test]
fn names_are_read_by_whole_words() {
    let scratch = Scratch::new();
    let mut expected = Vec::new();
    let names = [
        "AWS_KEY",
        "TLS_KEY",
        "MAPS_KEY",
        "SMS_KEY",
        "BACKUP_KEY",
        "PLATFORM_KEY",
        "GHOST_KEY",
        "BRAINTREE_KEY",
        "SEARCH_KEY",
        "CLIENT_TOKEN",
        "clientToken",
        "awsKey",
        "keyAuth",
        "authCode",
        "jsapi_ticket",
        "erlangCookie",
    ];
    for (seed, name) in (3640..).step_by(2).zip(names) {
        scratch.write(&format!("in/{name}.py"), format!("{name} = \"{}\"\n", token(seed)));
        expected.push(format!("{name}.py"));
    }
    for (seed, name) in (3700..).step_by(2).zip([
        "monkey",
        "turkey",
        "hotkey",
        "publicResourceKey",
        "cache_key",
        "SSH_ASKPASS",
        "NOPASSWD",
        "getpass",
    ]) {
        scratch.write(&format!("in/{name}.py"), format!("{name} = \"{}\"\n", token(seed)));
    }
    assert_found_in(&scratch, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn passwords_have_names_in_many_languages() {
    let scratch = Scratch::new();
    let names = [
        "contraseña",
        "senha",
        "Passwort",
        "kennwort",
        "mot_de_passe",
        "motdepasse",
        "пароль",
        "ПАРОЛЬ",
        "парола",
        "κωδικός",
        "密码",
        "密碼",
        "パスワード",
        "비밀번호",
        "סיסמה",
        "كلمة_المرور",
        "पासवर्ड",
        "รหัสผ่าน",
        "şifre",
        "hasło",
        "heslo",
        "jelszó",
        "lösenord",
        "wachtwoord",
        "adgangskode",
        "salasana",
        "mật_khẩu",
    ];
    let mut expected = Vec::new();
    for (number, name) in (0..).zip(names) {
        scratch.write(&format!("in/{number}.py"), format!("{name} = \"{}\"\n", password(3800 + number)));
        scratch.write(
            &format!("in/{number}.json"),
            format!("{{\"{name}\": \"{}\"}}\n", password(3800 + number)),
        );
        expected.extend([format!("{number}.py"), format!("{number}.json")]);
    }
    assert_found_in(&scratch, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn copies_of_environment_files_are_environment_files() {
    let scratch = Scratch::new();
    let repository = scratch.repository("r");
    repository.commit_file(".gitignore", ".env\n*.bak\n");
    let names = [
        ".env.bak-2026-07-20",
        ".env.save",
        ".env.old",
        ".env~",
        ".env_backup",
        ".env-prod",
        ".env copy",
        "prod.env.old",
    ];
    for (seed, name) in (3900..).zip(names) {
        repository.write(name, format!("DB_PASSWORD={}\n", password(seed)));
    }
    repository.write(".env-example~", "DB_PASSWORD=\n");
    let told = repository.run_keysieve(&["env"]).stdout;
    for name in names {
        assert!(told.contains(&format!(" {name} is not ignored")), "{name}: {told}");
    }
    assert!(!told.contains(".env-example~ is not ignored"), "{told}");
}

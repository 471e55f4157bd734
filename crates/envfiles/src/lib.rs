//! Environment files (`.env` and the like): which they are, what git, Docker and packages make of them, what is wrong with that
//! and what to do about it. Secrets belong there in development, as long as the file goes nowhere. How they are read is in
//! [`mod@parse`], what each value is in [`value`], and which of them can be looked for elsewhere in [`values`].

pub mod contents;
pub mod docker;
mod ignores;
mod names;
pub mod package;
pub mod parse;
mod references;
mod structured;
pub mod survey;
pub mod value;
pub mod values;

pub use keysieve_model::env_file::{
    Addition, Decision, EnvFile, EnvState, JudgedValue, SecretValue, TakenBack, Whereabouts,
};
pub use keysieve_model::provenance::file_name;
pub use keysieve_paths::IgnoreSettings;

pub use self::contents::is_plain_name;
pub use self::ignores::{Ignores, Verdict, Whose, folder_of, joined};
pub use self::names::{Known, Shape, TABLE, is_env_path, is_known_path, is_template_path, may_be_known};
pub use self::parse::{NotText, Parsed, Variable, is_text, parse};
pub use self::structured::variables;
pub use self::value::{Judgement, judge};
pub use self::values::Values;

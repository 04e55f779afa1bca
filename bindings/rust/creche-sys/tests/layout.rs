//! The declarations against the C headers: what a C compiler says about sizes, offsets, values, types
//! of fields and types of functions.
mod facts;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BINDINGS: &str = include_str!("../src/bindings.rs");

fn include_dir() -> PathBuf {
    // As the build found it; else the one of the repository that this file lies in.
    option_env!("CRECHE_INCLUDE_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../include"))
}

/// Compiles and runs a C program.
fn run_c(name: &str, text: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join(format!("{name}.c")), folder.join(name));
    fs::write(&source, text).unwrap();
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&compiler)
        .args(["-std=gnu11", "-Wall", "-Wno-unused-function", "-Werror", "-I"])
        .arg(include_dir())
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status()
        .unwrap_or_else(|error| panic!("cannot run {compiler}: {error}"));
    assert!(status.success(), "{} does not compile", source.display());
    String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap()
}

/// A type of Rust's, as C writes it around `name`.
fn c_type(rust: &str, name: &str) -> String {
    let rust = rust.trim();
    if let Some(inner) = rust.strip_prefix("Option<").and_then(|r| r.strip_suffix('>')) {
        let (arguments, result) = signature(inner.strip_prefix("unsafe extern \"C\" fn").unwrap());
        return c_type(&result, &format!("(*{name})({arguments})"));
    }
    if let Some(inner) = rust.strip_prefix('[').and_then(|r| r.strip_suffix(']')) {
        let (element, count) = inner.split_once("; ").unwrap();
        return c_type(element, &format!("{name}[{count}]"));
    }
    if let Some(to) = rust.strip_prefix("*const ") {
        // What is const is what it points to.
        return match to.starts_with('*') {
            true => c_type(to, &format!("const *{name}")),
            false => format!("const {}", c_type(to, &format!("*{name}"))),
        };
    }
    if let Some(to) = rust.strip_prefix("*mut ") {
        return c_type(to, &format!("*{name}"));
    }
    let base = match rust {
        "u8" => "uint8_t",
        "u16" => "uint16_t",
        "u32" => "uint32_t",
        "u64" => "uint64_t",
        "i16" => "int16_t",
        "i32" => "int32_t",
        "i64" => "int64_t",
        "usize" => "size_t",
        "f64" => "double",
        "c_char" => "char",
        "c_void" => "void",
        "" => "void",
        other => other,
    };
    format!("{} {name}", c_struct(base))
}

/// `(name: type, ...) -> type` as C's arguments, and the Rust type of the result.
fn signature(text: &str) -> (String, String) {
    let text = text.trim().trim_end_matches(';');
    let end = text
        .char_indices()
        .scan(0, |depth, (at, c)| {
            *depth += i32::from(c == '(') - i32::from(c == ')');
            Some((at, *depth))
        })
        .find(|(_, depth)| *depth == 0)
        .unwrap()
        .0;
    let mut arguments = Vec::new();
    let (mut depth, mut word) = (0, String::new());
    for c in text[1..end].chars().chain([',']) {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 {
            if let Some((_, kind)) = word.split_once(": ") {
                arguments.push(c_type(kind, "").trim().to_owned());
            }
            word.clear();
        } else {
            word.push(c);
        }
    }
    let result = text[end + 1..].trim().strip_prefix("->").unwrap_or("").trim().to_owned();
    let arguments = if arguments.is_empty() { "void".to_owned() } else { arguments.join(", ") };
    (arguments, result)
}

/// Names of fields and arguments that are words of Rust's have an underscore here.
fn c_name(rust: &str) -> &str {
    rust.strip_suffix('_').unwrap_or(rust)
}

struct Field<'a> {
    owner: &'a str,
    name: &'a str,
    kind: &'a str,
}

fn fields() -> Vec<Field<'static>> {
    let (mut found, mut owner) = (Vec::new(), None);
    for line in BINDINGS.lines() {
        if let Some(rest) = line.strip_prefix("pub struct ") {
            owner = rest.strip_suffix(" {");
        } else if line == "}" {
            owner = None;
        } else if let (Some(owner), Some(rest)) = (owner, line.strip_prefix("    pub ")) {
            let (name, kind) = rest.trim_end_matches(',').split_once(": ").unwrap();
            found.push(Field { owner, name: c_name(name), kind });
        }
    }
    found
}

fn functions() -> Vec<(&'static str, &'static str)> {
    BINDINGS
        .lines()
        .filter_map(|line| line.strip_prefix("    pub fn "))
        .map(|rest| rest.split_at(rest.find('(').unwrap()))
        .collect()
}

/// Arrow's structs have no name without the word.
fn c_struct(name: &str) -> String {
    if name.starts_with("Arrow") { format!("struct {name}") } else { name.to_owned() }
}

#[test]
fn sizes_offsets_and_values_are_those_of_c() {
    let ours: BTreeMap<String, i128> =
        facts::facts().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    assert!(ours.len() > 500, "only {} facts", ours.len());
    let mut text = String::from(
        "#include <creche/creche.h>\n#include <stdio.h>\n#include <stdalign.h>\nint main(void) {\n",
    );
    for name in ours.keys() {
        let words: Vec<&str> = name.split(' ').collect();
        let expression = match words[..] {
            ["const", name] => name.to_owned(),
            ["sizeof", name] => format!("sizeof({})", c_struct(name)),
            ["alignof", name] => format!("alignof({})", c_struct(name)),
            ["offsetof", owner, field] => format!("offsetof({}, {field})", c_struct(owner)),
            ["function", _] => continue,
            _ => panic!("{name}?"),
        };
        // SIZE_MAX and the like do not fit a signed number: the sign is printed apart.
        writeln!(
            text,
            "printf(\"{name}=%s%llu\\n\", ({expression}) < 1 && ({expression}) != 0 ? \"-\" : \"\", \
             ({expression}) < 1 && ({expression}) != 0 ? -(unsigned long long)({expression}) \
             : (unsigned long long)({expression}));"
        )
        .unwrap();
    }
    text.push_str("return 0; }\n");
    let theirs: BTreeMap<String, i128> = run_c("facts", &text)
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect();
    let numbers: BTreeMap<String, i128> =
        ours.into_iter().filter(|(name, _)| !name.starts_with("function ")).collect();
    for (name, value) in &numbers {
        assert_eq!(theirs.get(name), Some(value), "{name}: C says the left one");
    }
    assert_eq!(numbers, theirs);
}

#[test]
fn types_of_fields_and_functions_are_those_of_c() {
    let mut text = String::from("#include <creche/creche.h>\n");
    for field in fields() {
        writeln!(
            text,
            "_Static_assert(__builtin_types_compatible_p(__typeof__((({0} *)0)->{1}), {2}), \
             \"{0}.{1}\");",
            c_struct(field.owner),
            field.name,
            c_type(field.kind, "")
        )
        .unwrap();
    }
    // Declaring a function again with another type is an error.
    for (name, rest) in functions() {
        let (arguments, result) = signature(rest);
        writeln!(text, "{};", c_type(&result, &format!("{name}({arguments})"))).unwrap();
    }
    text.push_str("int main(void) { return 0; }\n");
    run_c("types", &text);
}

#[test]
fn everything_in_the_headers_is_declared() {
    let (mut seen, mut missing) = (0, Vec::new());
    for entry in fs::read_dir(include_dir().join("creche")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "h") {
            continue; // creche.hpp and its parts
        }
        let text = fs::read_to_string(path).unwrap();
        // Those with a body there, too: the library exports them.
        for mark in ["\nCRECHE_API ", "\nCRECHE_INLINE "] {
            let mut rest = text.as_str();
            while let Some(at) = rest.find(mark) {
                rest = &rest[at + mark.len()..];
                let name = rest[..rest.find('(').unwrap()].rsplit([' ', '*']).next().unwrap();
                seen += 1;
                if !functions().iter().any(|(ours, _)| *ours == name) {
                    missing.push(name.to_owned());
                }
            }
        }
        for line in text.lines() {
            let name = match line.trim_start().split_once(" = ") {
                Some((name, _)) if name.starts_with("CRECHE_") => name,
                _ => match line.strip_prefix("typedef struct ").and_then(|r| r.split_once(' ')) {
                    Some((name, _)) => name,
                    None => continue,
                },
            };
            seen += 1;
            let constant = format!("pub const {name}: ");
            let structure = format!("pub struct {name} {{");
            if !BINDINGS.contains(&constant) && !BINDINGS.contains(&structure) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(seen > 200, "only {seen} declarations found");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn handles_are_plain_numbers() {
    use creche_sys::*;
    assert_eq!(size_of::<creche_scope>(), 8);
    assert_eq!(size_of::<creche_group>(), 8);
    assert_eq!(size_of::<creche_completion>(), 80);
    assert_eq!(size_of::<creche_done_fn>(), size_of::<usize>());
    assert_eq!(creche_scope::default(), creche_scope { id: 0 });
}

#[test]
fn the_library_is_the_one_of_the_headers() {
    // SAFETY: no arguments.
    let running = unsafe { creche_sys::creche_version() };
    assert_eq!(running / 1000, creche_sys::CRECHE_VERSION_NUMBER / 1000);
}

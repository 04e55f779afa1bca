//! Finds libcreche: CRECHE_LIB_DIR (and CRECHE_INCLUDE_DIR), else pkg-config.
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    for name in ["CRECHE_LIB_DIR", "CRECHE_INCLUDE_DIR", "PKG_CONFIG", "PKG_CONFIG_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-env-changed=DOCS_RS");
    println!("cargo:rerun-if-changed=build.rs");
    // Documentation needs no library.
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    println!("cargo:rustc-link-lib=dylib=creche");
    if let Some(folder) = env::var_os("CRECHE_LIB_DIR").map(PathBuf::from) {
        println!("cargo:rustc-link-search=native={}", folder.display());
        let include = env::var_os("CRECHE_INCLUDE_DIR").map(PathBuf::from);
        found(include.as_deref(), Some(&folder));
        return;
    }
    // Debian's pkg-config answers once for each word: the versions are asked for apart.
    pkg_config(&["--exists", "--print-errors", "creche >= 0.1", "creche < 0.2"]);
    let libraries = pkg_config(&["--libs-only-L", "creche"]);
    let include = env::var("CRECHE_INCLUDE_DIR")
        .ok()
        .unwrap_or_else(|| pkg_config(&["--variable=includedir", "creche"]).trim().to_owned());
    let mut first = None;
    for folder in libraries.split_whitespace().filter_map(|word| word.strip_prefix("-L")) {
        println!("cargo:rustc-link-search=native={folder}");
        first.get_or_insert_with(|| PathBuf::from(folder));
    }
    found(Some(Path::new(&include)).filter(|p| !p.as_os_str().is_empty()), first.as_deref());
}

/// Tells crates that depend on this one (DEP_CRECHE_INCLUDE, DEP_CRECHE_LIB), and our own tests.
fn found(include: Option<&Path>, library: Option<&Path>) {
    if let Some(include) = include {
        println!("cargo:include={}", include.display());
        println!("cargo:rustc-env=CRECHE_INCLUDE_DIR={}", include.display());
    }
    if let Some(library) = library {
        println!("cargo:lib={}", library.display());
    }
}

fn pkg_config(what: &[&str]) -> String {
    let tool = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let hint = "install libcreche, or set CRECHE_LIB_DIR to the folder that has libcreche.so";
    let output = Command::new(&tool)
        .args(what)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {tool}: {error}; {hint}"));
    if !output.status.success() {
        panic!("{tool} knows no libcreche: {}; {hint}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8_lossy(&output.stdout).into_owned()
}

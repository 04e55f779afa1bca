//! Finds libcreche, or builds it. In this order:
//!
//! 1. `CRECHE_LIB_DIR`: the folder of the library, installed or of a build (`CRECHE_INCLUDE_DIR`: headers),
//! 2. the feature `vendored`: the sources of this crate, by CMake (`CRECHE_NO_VENDOR=1`: never),
//! 3. pkg-config; a build that is not installed is found by `PKG_CONFIG_PATH=<its folder>`,
//! 4. the sources after all, where pkg-config knows no libcreche.
//!
//! `CRECHE_STATIC=1`: the archive in 1 and 3, too; from sources it always is one, so that programs need
//! no libcreche.so and no rpath. `CRECHE_CMAKE_ARGS`: more words for CMake.
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SETTINGS: [&str; 9] = [
    "CRECHE_LIB_DIR",
    "CRECHE_INCLUDE_DIR",
    "CRECHE_NO_VENDOR",
    "CRECHE_STATIC",
    "CRECHE_CMAKE_ARGS",
    "CMAKE",
    "PKG_CONFIG",
    "PKG_CONFIG_PATH",
    "DOCS_RS",
];

fn main() {
    for name in SETTINGS {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    // Documentation needs no library.
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    let may_build = !is_set("CRECHE_NO_VENDOR");
    if let Some(folder) = env::var_os("CRECHE_LIB_DIR").map(PathBuf::from) {
        let include = env::var_os("CRECHE_INCLUDE_DIR").map(PathBuf::from);
        if is_set("CRECHE_STATIC") {
            archive(&folder, None);
        } else {
            shared(&folder);
        }
        found(include.as_deref(), &folder);
    } else if env::var_os("CARGO_FEATURE_VENDORED").is_some() && may_build {
        from_sources();
    } else if let Err(why) = installed() {
        if !may_build || !sources().join("src").exists() {
            panic!("{why}; install libcreche, or set CRECHE_LIB_DIR to the folder of libcreche.so");
        }
        println!("cargo:warning={why}: it is built from its sources, which takes minutes, once");
        from_sources();
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}

// ---- Installed ----

/// The library that pkg-config knows, or why there is none.
fn installed() -> Result<(), String> {
    // Debian's pkg-config answers once for each word: the versions are asked for apart.
    pkg_config(&["--exists", "--print-errors", "creche >= 0.1", "creche < 0.2"], None)?;
    let libraries = pkg_config(&["--libs-only-L", "creche"], None)?;
    let include = env::var("CRECHE_INCLUDE_DIR").or_else(|_| {
        pkg_config(&["--variable=includedir", "creche"], None).map(|it| it.trim().to_owned())
    })?;
    // Where pkg-config says no folder it is one that the linker knows anyway.
    let folder = libraries.split_whitespace().find_map(|word| word.strip_prefix("-L"));
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => pkg_config(&["--variable=libdir", "creche"], None)?.trim().to_owned(),
    };
    let folder = Path::new(&folder);
    if is_set("CRECHE_STATIC") {
        archive(folder, None);
    } else {
        shared(folder);
    }
    found(Some(Path::new(&include)), folder);
    Ok(())
}

fn shared(folder: &Path) {
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=dylib=creche");
    // For the tests and examples of this crate; those of crates that use it ask for DEP_CRECHE_LIB.
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
}

/// libcreche.a and, as shared libraries, what it needs: `creche.pc` says what that is.
fn archive(folder: &Path, pc: Option<&Path>) {
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static=creche");
    // Asked for a build first, or for what is beside an archive that was named.
    let beside = folder.join("pkgconfig");
    let pc = pc.map(Path::to_owned).or_else(|| {
        [folder.to_owned(), beside].into_iter().find(|it| it.join("creche.pc").exists())
    });
    let needed =
        pkg_config(&["--static", "--libs", "creche"], pc.as_deref()).unwrap_or_else(|why| {
            panic!("{why}: the archive needs the libraries that it is made with")
        });
    for word in needed.split_whitespace() {
        if let Some(name) = word.strip_prefix("-l").filter(|name| *name != "creche") {
            println!("cargo:rustc-link-lib=dylib={name}");
        } else if word == "-pthread" {
            println!("cargo:rustc-link-lib=dylib=pthread");
        } else if let Some(path) = word.strip_prefix("-L").filter(|path| Path::new(path) != folder)
        {
            println!("cargo:rustc-link-search=native={path}");
        }
    }
}

// ---- From sources ----

/// What this crate has of the sources. In the tree of the library these are links to them.
fn sources() -> PathBuf {
    PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("vendor")
}

fn from_sources() {
    let sources = sources();
    for part in ["CMakeLists.txt", "include", "src", "pkgconfig"] {
        println!("cargo:rerun-if-changed={}", sources.join(part).display());
    }
    let build = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it")).join("build");
    let cmake = env::var_os("CMAKE").unwrap_or_else(|| "cmake".into());
    let more = env::var("CRECHE_CMAKE_ARGS").unwrap_or_default();
    let jobs = env::var("NUM_JOBS").unwrap_or_else(|_| "2".to_owned());
    run(Command::new(&cmake)
        .arg("-S")
        .arg(&sources)
        .arg("-B")
        .arg(&build)
        .args(["-DCMAKE_BUILD_TYPE=Release", "-DCRECHE_BUILD_TESTS=OFF", "-DCRECHE_BUILD_DOCS=OFF"])
        .args(["-DCRECHE_INSTALL=OFF", "-DCRECHE_PRECOMPILE=ON"])
        .args(more.split_whitespace()));
    run(Command::new(&cmake).arg("--build").arg(&build).args([
        "--target",
        "creche_static",
        "--parallel",
        &jobs,
    ]));
    archive(&build, Some(&build));
    found(Some(&sources.join("include")), &build);
}

// ---- Both ----

/// Tells crates that depend on this one (DEP_CRECHE_INCLUDE, DEP_CRECHE_LIB), and our own tests.
fn found(include: Option<&Path>, library: &Path) {
    if let Some(include) = include.filter(|path| !path.as_os_str().is_empty()) {
        println!("cargo:include={}", include.display());
        println!("cargo:rustc-env=CRECHE_INCLUDE_DIR={}", include.display());
    }
    println!("cargo:lib={}", library.display());
}

fn run(command: &mut Command) {
    let what = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!(
            "{what} failed ({status}). It needs a C++20 compiler, CMake 3.21, pkg-config, and the \
             development files of libevent, OpenSSL 3, libpq, zlib, brotli, zstd, libpsl, libidn2, \
             nghttp2 and llhttp: on Debian g++ cmake pkg-config libevent-dev libssl-dev libpq-dev zlib1g-dev \
             libbrotli-dev libzstd-dev libpsl-dev libidn2-dev libnghttp2-dev node-llhttp"
        ),
        Err(error) => panic!("cannot run {what}: {error}; it builds libcreche from its sources"),
    }
}

/// What pkg-config answers, or why there is no answer. `first`: a folder to look into before others.
fn pkg_config(what: &[&str], first: Option<&Path>) -> Result<String, String> {
    let tool = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let mut command = Command::new(&tool);
    if let Some(first) = first {
        let path = env::var("PKG_CONFIG_PATH").unwrap_or_default();
        command.env("PKG_CONFIG_PATH", format!("{}:{path}", first.display()));
    }
    let output =
        command.args(what).output().map_err(|error| format!("cannot run {tool}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("{tool} knows no libcreche: {}", why.lines().next().unwrap_or_default()))
}

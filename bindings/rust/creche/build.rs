//! The tests and examples of this crate find a libcreche.so that is not installed where the system
//! looks: in the folder that creche-sys has found it in.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(folder) = std::env::var_os("DEP_CRECHE_LIB") {
        let rpath = format!("-Wl,-rpath,{}", folder.to_string_lossy());
        println!("cargo:rustc-link-arg-tests={rpath}");
        println!("cargo:rustc-link-arg-examples={rpath}");
    }
}

//! Settings of TLS.
use crate::error::Result;
use crate::sys_ext::{c_text, check, defaults};
use creche_sys as sys;
use std::ffi::CString;
use std::path::Path;
use std::ptr::null;
use std::sync::Arc;

/// Settings of TLS, for sessions and requests of all loops. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Handle>);

#[derive(Debug)]
struct Handle(sys::creche_tls);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: ours, released once; never blocks.
        unsafe { sys::creche_tls_release(self.0) };
    }
}

impl Tls {
    /// Settings that are still to be said.
    pub fn options() -> TlsOptions {
        TlsOptions::default()
    }

    pub(crate) fn raw(&self) -> sys::creche_tls {
        self.0.0
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TlsVersion {
    fn raw(self) -> u32 {
        match self {
            TlsVersion::Tls12 => sys::CRECHE_TLS_1_2,
            TlsVersion::Tls13 => sys::CRECHE_TLS_1_3,
        }
    }
}

/// What [`Tls`] says. Texts go into C as they are: a NUL byte in them fails [`open`](TlsOptions::open).
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    flags: u32,
    ca_file: Option<String>,
    ca_folder: Option<String>,
    ca_data: Option<Vec<u8>>,
    cert_file: Option<String>,
    cert_data: Option<Vec<u8>>,
    key_file: Option<String>,
    key_data: Option<Vec<u8>>,
    key_password: Option<String>,
    min_version: Option<TlsVersion>,
    max_version: Option<TlsVersion>,
    ciphers: Option<String>,
    ciphersuites: Option<String>,
    server_name: Option<String>,
    pins: Vec<String>,
    crl_file: Option<String>,
    key_log_file: Option<String>,
}

fn path(path: impl AsRef<Path>) -> Option<String> {
    Some(path.as_ref().to_string_lossy().into_owned())
}

impl TlsOptions {
    /// Trusts the certificates of a PEM file in place of the system's.
    pub fn ca_file(mut self, file: impl AsRef<Path>) -> Self {
        self.ca_file = path(file);
        self
    }

    /// The same for all files of a folder.
    pub fn ca_folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.ca_folder = path(folder);
        self
    }

    /// The same for PEM, or one certificate in DER.
    pub fn ca_data(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.ca_data = Some(bytes.into());
        self
    }

    /// Trusts the system's authorities, too.
    pub fn system_cas(mut self) -> Self {
        self.flags |= sys::CRECHE_TLS_SYSTEM_CAS;
        self
    }

    /// Verifies nothing: for tests, or with pins.
    pub fn insecure(mut self) -> Self {
        self.flags |= sys::CRECHE_TLS_INSECURE;
        self
    }

    /// Who the client is: a certificate with its chain, and its key (None: in the same file).
    pub fn identity_files(mut self, cert: impl AsRef<Path>, key: Option<&Path>) -> Self {
        self.cert_file = path(cert);
        self.key_file = key.and_then(path);
        self
    }

    /// The same as bytes: PEM or DER.
    pub fn identity(mut self, cert: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.cert_data = Some(cert.into());
        self.key_data = Some(key.into());
        self
    }

    /// Of an encrypted key.
    pub fn key_password(mut self, password: impl Into<String>) -> Self {
        self.key_password = Some(password.into());
        self
    }

    /// The oldest version; without, TLS 1.2.
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = Some(version);
        self
    }

    /// The newest version.
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = Some(version);
        self
    }

    /// Ciphers of TLS 1.2, as OpenSSL writes them.
    pub fn ciphers(mut self, list: impl Into<String>) -> Self {
        self.ciphers = Some(list.into());
        self
    }

    /// Those of TLS 1.3.
    pub fn ciphersuites(mut self, list: impl Into<String>) -> Self {
        self.ciphersuites = Some(list.into());
        self
    }

    /// For SNI and the certificate, in place of the URL's host.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// The server's must be this or another of the pins: "sha256//BASE64" or "cert-sha256:HEX".
    pub fn pin(mut self, pin: impl Into<String>) -> Self {
        self.pins.push(pin.into());
        self
    }

    /// Lists of revoked certificates.
    pub fn crl_file(mut self, file: impl AsRef<Path>) -> Self {
        self.crl_file = path(file);
        self
    }

    /// Secrets are appended to it.
    pub fn key_log_file(mut self, file: impl AsRef<Path>) -> Self {
        self.key_log_file = path(file);
        self
    }

    /// Offers no protocol by ALPN.
    pub fn no_alpn(mut self) -> Self {
        self.flags |= sys::CRECHE_TLS_NO_ALPN;
        self
    }

    /// Keeps no sessions for resumption.
    pub fn no_resume(mut self) -> Self {
        self.flags |= sys::CRECHE_TLS_NO_RESUME;
        self
    }

    /// Reads the files, and blocks for that.
    pub fn open(&self) -> Result<Tls> {
        let text = |text: &Option<String>| text.as_deref().map(c_text).transpose();
        let at = |text: &Option<CString>| text.as_ref().map_or(null(), |text| text.as_ptr());
        let bytes = |bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => (bytes.as_ptr().cast(), bytes.len()),
            None => (null(), 0),
        };
        let (ca_file, ca_folder) = (text(&self.ca_file)?, text(&self.ca_folder)?);
        let (cert_file, key_file) = (text(&self.cert_file)?, text(&self.key_file)?);
        let password = text(&self.key_password)?;
        let (ciphers, ciphersuites) = (text(&self.ciphers)?, text(&self.ciphersuites)?);
        let server_name = text(&self.server_name)?;
        let (crl_file, key_log) = (text(&self.crl_file)?, text(&self.key_log_file)?);
        let pins = self.pins.iter().map(|pin| c_text(pin)).collect::<Result<Vec<_>>>()?;
        let pins: Vec<_> = pins.iter().map(|pin| pin.as_ptr()).collect();
        // SAFETY: its own init function.
        let mut o = unsafe { defaults(sys::creche_tls_options_init) }?;
        o.flags = self.flags;
        (o.ca_file, o.ca_folder) = (at(&ca_file), at(&ca_folder));
        (o.ca_data, o.ca_size) = bytes(&self.ca_data);
        (o.cert_file, o.key_file) = (at(&cert_file), at(&key_file));
        (o.cert_data, o.cert_size) = bytes(&self.cert_data);
        (o.key_data, o.key_size) = bytes(&self.key_data);
        o.key_password = at(&password);
        o.min_version = self.min_version.map_or(0, TlsVersion::raw);
        o.max_version = self.max_version.map_or(0, TlsVersion::raw);
        (o.ciphers, o.ciphersuites) = (at(&ciphers), at(&ciphersuites));
        o.server_name = at(&server_name);
        (o.pins, o.pins_count) = (pins.as_ptr(), pins.len());
        (o.crl_file, o.key_log_file) = (at(&crl_file), at(&key_log));
        let mut made = sys::creche_tls::default();
        // SAFETY: all of it lives until the call returns; what it keeps it copies.
        check(unsafe { sys::creche_tls_open(&o, &mut made) })?;
        Ok(Tls(Arc::new(Handle(made))))
    }
}

//! Settings in and out of their sealed form.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use integrations::kit::SettingsMap;
use model::Entropy;
use wire::KeyRing;

use crate::catalog::CatalogError;

/// The key ring with the randomness that sealing needs.
#[derive(Clone)]
pub struct Sealer {
    ring: Arc<KeyRing>,
    entropy: Arc<dyn Entropy>,
}

impl Sealer {
    pub fn new(ring: KeyRing, entropy: Arc<dyn Entropy>) -> Sealer {
        Sealer {
            ring: Arc::new(ring),
            entropy,
        }
    }

    /// Seals settings for one row; they open again only with the same `context` (the row's name).
    pub fn seal(&self, context: &str, settings: &SettingsMap) -> Result<Vec<u8>, CatalogError> {
        let bytes = serde_json::to_vec(settings).map_err(|e| CatalogError::Stored {
            what: context.to_owned(),
            problem: e.to_string(),
        })?;
        self.ring
            .seal(&*self.entropy, context.as_bytes(), &bytes)
            .map_err(|e| CatalogError::Sealed {
                what: context.to_owned(),
                problem: e.to_string(),
            })
    }

    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<SettingsMap, CatalogError> {
        let bytes =
            self.ring
                .open(context.as_bytes(), sealed)
                .map_err(|e| CatalogError::Sealed {
                    what: context.to_owned(),
                    problem: e.to_string(),
                })?;
        serde_json::from_slice(&bytes).map_err(|_| CatalogError::Stored {
            what: context.to_owned(),
            problem: "it is not a JSON object".to_owned(),
        })
    }

    pub fn seal_text(&self, context: &str, settings: &SettingsMap) -> Result<String, CatalogError> {
        self.seal(context, settings)
            .map(|bytes| BASE64.encode(bytes))
    }

    pub fn open_text(&self, context: &str, sealed: &str) -> Result<SettingsMap, CatalogError> {
        let bytes = BASE64.decode(sealed).map_err(|_| CatalogError::Stored {
            what: context.to_owned(),
            problem: "it is not base64".to_owned(),
        })?;
        self.open(context, &bytes)
    }
}

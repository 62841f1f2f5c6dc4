//! Ids from columns.

use model::{AlertId, IntegrationId, ProjectId, SilenceId, SourceId};

pub(super) fn alert(bytes: [u8; 16]) -> AlertId {
    AlertId::from_bytes(bytes)
}

pub(super) fn project(bytes: [u8; 16]) -> ProjectId {
    ProjectId::from_bytes(bytes)
}

pub(super) fn source(bytes: [u8; 16]) -> SourceId {
    SourceId::from_bytes(bytes)
}

pub(super) fn integration(bytes: [u8; 16]) -> IntegrationId {
    IntegrationId::from_bytes(bytes)
}

pub(super) fn silence(bytes: [u8; 16]) -> SilenceId {
    SilenceId::from_bytes(bytes)
}

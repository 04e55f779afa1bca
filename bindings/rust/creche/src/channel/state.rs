//! How a channel is.
use crate::error::Result;
use crate::sys_ext::filled;
use creche_sys as sys;

/// A channel as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChannelState {
    /// In the channel; more than `capacity` after some went back.
    pub items: u32,
    /// Items that fit.
    pub capacity: u32,
    /// Handles of the sending side.
    pub senders: u32,
    /// Handles of the receiving side.
    pub receivers: u32,
    /// Sends that wait for a place or a receiver.
    pub sending: u32,
    /// Receives that wait for an item.
    pub receiving: u32,
}

impl ChannelState {
    pub(super) fn of(
        look: impl FnOnce(*mut sys::creche_channel_state, usize) -> sys::creche_status,
    ) -> Result<ChannelState> {
        // SAFETY: plain numbers.
        let s = unsafe { filled(look) }?;
        Ok(ChannelState {
            items: s.items,
            capacity: s.capacity,
            senders: s.senders,
            receivers: s.receivers,
            sending: s.sending,
            receiving: s.receiving,
        })
    }
}

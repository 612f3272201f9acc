//! Waiting on multiple channels at once: of the offered operations, the first that is possible
//! happens, and no other.
//!
//! The only mechanism for all waits with a choice. If more than one is possible at once, each of
//! them is equally likely.

use super::channel::{ChannelHandle, SEND_ON_CLOSED, Transfer, growth};
use super::{Expiry, ResumeAction, Ticket, Wait, outside, wake};
use crate::layout::value::Value;
use crate::machine::native::{Call, Error, Step, Value as Handle};
use crate::machine::vm::Vm;
use std::time::Duration;

/// A goroutine in a channel's queue.
#[derive(Clone, Copy)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    /// Which of its offers this is, if it has made more than one.
    offer: Option<u32>,
}

impl Waiter {
    /// One that waits for this channel alone.
    pub(super) fn new(ticket: Ticket) -> Self {
        Waiter { ticket, offer: None }
    }

    pub(super) fn is_waiting(&self, vm: &Vm) -> bool {
        vm.scheduler.is_waiting(self.ticket)
    }

    /// Wakes it with the results of its native: `values`; or, after [`Call::select`], the offer's
    /// number, the first of these values, and whether the channel was open. False if it does not
    /// wait any more.
    ///
    /// # Safety
    /// As [`wake`].
    pub(super) unsafe fn wake_with(&self, vm: &mut Vm, values: &[Value], open: bool) -> bool {
        let Some(offer) = self.offer else {
            // SAFETY: as the caller asserts.
            return unsafe { wake(vm, self.ticket, values) };
        };
        let first = values.first().copied().unwrap_or(Value::NIL);
        let results = [Value::number(f64::from(offer)), first, Value::boolean(open)];
        // SAFETY: the value is alive, as the caller asserts, and there are three.
        unsafe { wake(vm, self.ticket, &results) }
    }

    /// The channel on which it waits to send has been closed: the send raises, [`Call::select`]'s
    /// wait ends.
    pub(super) fn find_closed(&self, vm: &mut Vm) {
        if self.offer.is_none() && self.is_waiting(vm) {
            vm.scheduler.goroutines[self.ticket.index as usize].resume_action =
                ResumeAction::Raise(SEND_ON_CLOSED);
        }
        // SAFETY: there are no values.
        unsafe { self.wake_with(vm, &[], false) };
    }
}

/// An operation on a channel that a goroutine is ready for.
#[derive(Clone, Copy)]
pub enum Offer<'c> {
    /// To receive a value.
    Receive(ChannelHandle<'c>),
    /// To send this one.
    Send(ChannelHandle<'c>, Handle<'c>),
}

/// What became of the offers.
pub enum Selected<'c> {
    /// The offer with that index was taken: a receive gives the value.
    Done(usize, Handle<'c>),
    /// The channel of the offer with that index is closed.
    Closed(usize),
    /// None of them is possible now.
    None,
}

/// The result of a selection that waited, as [`Call::selected`] reads it.
pub enum SelectResult<'c> {
    /// The offer with that index was taken: a receive gives the value.
    Done(usize, Handle<'c>),
    /// The channel of the offer with that index has been closed.
    Closed(usize),
    /// None was, for this reason: "timeout", "deadlock".
    Failed(Handle<'c>),
}

impl<'c> Offer<'c> {
    fn channel(self) -> ChannelHandle<'c> {
        match self {
            Offer::Receive(channel) | Offer::Send(channel, _) => channel,
        }
    }

    fn is_possible(self, call: &mut Call<'c>) -> bool {
        let mut queues = self.channel().queues();
        match self {
            Offer::Receive(_) => queues.can_receive(call),
            Offer::Send(..) => queues.can_send(call),
        }
    }
}

impl<'c> Call<'c> {
    /// Takes one of the offers that are possible now.
    pub fn select(&mut self, offers: &[Offer<'c>]) -> Result<Selected<'c>, Error> {
        let mut possible = Vec::new();
        for (index, offer) in offers.iter().enumerate() {
            if offer.is_possible(self) {
                possible.push(index);
            }
        }
        let choice = match possible.len() {
            0 => return Ok(Selected::None),
            1 => 0,
            count => (self.with_vm(|vm| vm.scheduler.choices.next()) % count as u64) as usize,
        };
        let index = possible[choice];
        match offers[index] {
            Offer::Receive(channel) => Ok(match self.channel_receive(channel, None)? {
                Transfer::Done(value) => Selected::Done(index, value),
                Transfer::Closed => Selected::Closed(index),
                Transfer::Wait(_) => return Err(Error::text("a receive waits that was possible")),
            }),
            Offer::Send(channel, value) => Ok(match self.channel_send(channel, value, None)? {
                Transfer::Done(()) => Selected::Done(index, Handle::NIL),
                Transfer::Closed => Selected::Closed(index),
                Transfer::Wait(_) => return Err(Error::text("a send waits that was possible")),
            }),
        }
    }

    /// A native with a state waits until one of the offers is taken, none of which is possible now,
    /// or until a timeout; in its next step [`Call::selected`] returns which.
    pub fn wait_for_offers(
        &mut self,
        offers: &[Offer<'c>],
        timeout: Option<Duration>,
    ) -> Result<Step, Error> {
        let ticket = self.with_vm(|vm| vm.scheduler.running_ticket()).ok_or_else(outside)?;
        // Before anything has an effect.
        let mut needed = 0;
        for &offer in offers {
            needed += self.clean_queue(offer);
        }
        self.check_memory(needed)?;
        let only_sends = offers.iter().all(|offer| matches!(offer, Offer::Send(..)));
        let step = self.park(match timeout {
            Some(_) => Wait::Outside,
            None if only_sends => Wait::Send,
            None => Wait::Receive,
        })?;
        self.set_timer(timeout, Expiry::TimedOut)?;
        for (number, &offer) in (0..).zip(offers) {
            let channel = offer.channel();
            let mut queues = channel.queues();
            let waiter = Waiter { ticket, offer: Some(number) };
            let growth = match offer {
                Offer::Receive(_) => {
                    let growth = growth(&queues.receivers);
                    queues.receivers.push_back(waiter);
                    growth
                }
                Offer::Send(_, value) => {
                    let growth = growth(&queues.senders);
                    queues.senders.push_back((waiter, value.0));
                    growth
                }
            };
            drop(queues);
            // SAFETY: the channel keeps the value from now on.
            self.with_vm(|vm| unsafe { vm.heap.barrier_userdata(channel.userdata().0) });
            self.recount_channel(channel, growth);
        }
        Ok(step)
    }

    /// Drops ended waits from the queue of an offer, if there may be many. Returns the bytes by
    /// which it grows if the offer is added.
    fn clean_queue(&mut self, offer: Offer<'c>) -> usize {
        let mut queues = offer.channel().queues();
        queues.clean(self);
        match offer {
            Offer::Receive(_) => growth(&queues.receivers),
            Offer::Send(..) => growth(&queues.senders),
        }
    }

    /// The result of the last [`Call::wait_for_offers`].
    pub fn selected(&self) -> SelectResult<'c> {
        match self.returned(0).as_number() {
            Some(number) if self.returned(2).is_truthy() => {
                SelectResult::Done(number as usize, self.returned(1))
            }
            Some(number) => SelectResult::Closed(number as usize),
            None => SelectResult::Failed(self.returned(1)),
        }
    }
}

/// Choices among what is possible: evenly distributed, and the same in every run.
#[derive(Default)]
pub(super) struct Choices(u64);

impl Choices {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}

//! Channels: values handed from one goroutine to another. Unbuffered, a send meets its receive;
//! buffered, it blocks when full.
//!
//! A goroutine may offer to send or to receive on multiple channels at once (see
//! [`select`](super::select)): it is in all of their queues with one ticket, and the first use of
//! that ticket voids the other entries.

use super::select::Waiter;
use super::{Expiry, GoroutineId, Parked, Wait, outside};
use crate::heap::gc::Marker;
use crate::heap::userdata::Data;
use crate::layout::value::Value;
use crate::machine::native::{Call, Error, FromLua, Userdata, Value as Handle};
use std::cell::{RefCell, RefMut};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

/// The error of a send on a closed channel, or on one that is closed while the send waits.
pub const SEND_ON_CLOSED: &str = "send on closed channel";

/// A buffer with room for more values is given back when it is empty.
const LARGE_BUFFER: usize = 1024;

/// A channel, as the data of a userdata.
pub struct Channel(RefCell<Queues>);

pub(super) struct Queues {
    capacity: usize,
    buffer: VecDeque<Value>,
    pub(super) senders: VecDeque<(Waiter, Value)>,
    pub(super) receivers: VecDeque<Waiter>,
    closed: bool,
    /// Those that have been notified of the end (see [`Call::tell_of_end`]).
    told: HashSet<GoroutineId>,
    /// The queues are searched for waits that have ended otherwise when they have grown to this.
    cleaned_at: usize,
}

impl Data for Channel {
    fn trace(&self, marker: &mut Marker<'_>) {
        let queues = self.0.borrow();
        queues.buffer.iter().for_each(|&value| marker.value(value));
        queues.senders.iter().for_each(|&(_, value)| marker.value(value));
    }

    fn external_size(&self) -> usize {
        let queues = self.0.borrow();
        queues.buffer.capacity() * size_of::<Value>()
            + queues.senders.capacity() * size_of::<(Waiter, Value)>()
            + queues.receivers.capacity() * size_of::<Waiter>()
            + queues.told.capacity() * size_of::<GoroutineId>()
    }
}

/// A channel as a value: checked at its creation.
#[derive(Clone, Copy)]
pub struct ChannelHandle<'c> {
    userdata: Userdata<'c>,
    channel: &'c Channel,
}

impl<'c> ChannelHandle<'c> {
    /// The channel that a value is.
    pub fn from_value(value: Handle<'c>) -> Option<Self> {
        let userdata = Userdata::from_value(value)?;
        Some(ChannelHandle { userdata, channel: userdata.get()? })
    }

    /// The value.
    pub fn value(self) -> Handle<'c> {
        self.userdata.value()
    }

    pub(super) fn userdata(self) -> Userdata<'c> {
        self.userdata
    }

    pub(super) fn queues(self) -> RefMut<'c, Queues> {
        self.channel.0.borrow_mut()
    }
}

impl FromLua for ChannelHandle<'_> {
    type Item<'c> = ChannelHandle<'c>;
    const EXPECTED: &'static str = "channel";

    fn from_lua<'c>(_: &mut Call<'c>, value: Handle<'c>) -> Option<ChannelHandle<'c>> {
        ChannelHandle::from_value(value)
    }
}

/// The result of a channel operation.
pub enum Transfer<T> {
    /// It is done.
    Done(T),
    /// The goroutine waits: the native returns this.
    Wait(Parked),
    /// The channel is closed.
    Closed,
}

impl Channel {
    /// A channel that buffers up to `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Channel(RefCell::new(Queues {
            capacity,
            buffer: VecDeque::new(),
            senders: VecDeque::new(),
            receivers: VecDeque::new(),
            closed: false,
            told: HashSet::new(),
            cleaned_at: 0,
        }))
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.0.borrow().closed
    }
}

impl Queues {
    /// Drops waits that have ended otherwise (by time), when they may be half of the queues.
    #[inline]
    pub(super) fn clean(&mut self, call: &mut Call<'_>) {
        if self.senders.len() + self.receivers.len() >= self.cleaned_at.max(64) {
            self.clean_now(call);
        }
    }

    #[cold]
    fn clean_now(&mut self, call: &mut Call<'_>) {
        call.with_vm(|vm| {
            self.senders.retain(|(sender, _)| sender.is_waiting(vm));
            self.receivers.retain(|receiver| receiver.is_waiting(vm));
        });
        self.cleaned_at = 2 * (self.senders.len() + self.receivers.len());
    }

    /// Whether a send would not have to wait; also if it would fail.
    pub(super) fn can_send(&mut self, call: &mut Call<'_>) -> bool {
        self.closed || self.buffer.len() < self.capacity || {
            call.with_vm(|vm| self.receivers.iter().any(|receiver| receiver.is_waiting(vm)))
        }
    }

    /// Whether a receive would not have to wait; also if it would find the channel closed.
    pub(super) fn can_receive(&mut self, call: &mut Call<'_>) -> bool {
        self.closed || !self.buffer.is_empty() || {
            call.with_vm(|vm| self.senders.iter().any(|(sender, _)| sender.is_waiting(vm)))
        }
    }
}

/// The bytes by which a queue grows if one more is added.
pub(super) fn growth<T>(queue: &VecDeque<T>) -> usize {
    let is_full = queue.len() == queue.capacity();
    // It becomes twice as large.
    if is_full { queue.len().max(4) * size_of::<T>() } else { 0 }
}

impl<'c> Call<'c> {
    /// Counts a channel's memory again, after it has changed by that many bytes.
    pub(super) fn recount_channel(&mut self, channel: ChannelHandle<'c>, growth: usize) {
        if growth > 0 {
            // SAFETY: the channel is live.
            self.with_vm(|vm| unsafe { vm.heap.recount_userdata(channel.userdata.0) });
        }
    }

    /// Sends a value: to a goroutine that waits for one, or into the buffer. If the wait takes
    /// longer than `timeout`, the native gives `false`, otherwise `true`.
    pub fn channel_send(
        &mut self,
        channel: ChannelHandle<'c>,
        value: Handle<'c>,
        timeout: Option<Duration>,
    ) -> Result<Transfer<()>, Error> {
        let mut queues = channel.queues();
        if queues.closed {
            return Ok(Transfer::Closed);
        }
        while let Some(receiver) = queues.receivers.pop_front() {
            // SAFETY: the value is live.
            if self.with_vm(|vm| unsafe { receiver.wake_with(vm, &[value.0], true) }) {
                self.count_transfer();
                return Ok(Transfer::Done(()));
            }
        }
        let has_room = queues.buffer.len() < queues.capacity;
        if !has_room {
            queues.clean(self);
        }
        let growth = if has_room { growth(&queues.buffer) } else { growth(&queues.senders) };
        self.check_memory(growth)?;
        let answer = if has_room {
            queues.buffer.push_back(value.0);
            self.count_transfer();
            Transfer::Done(())
        } else {
            let ticket = self.with_vm(|vm| vm.scheduler.running_ticket()).ok_or_else(outside)?;
            self.set_timer(timeout, Expiry::False)?;
            queues.senders.push_back((Waiter::new(ticket), value.0));
            Transfer::Wait(self.parked(if timeout.is_some() { Wait::Outside } else { Wait::Send }))
        };
        drop(queues);
        // SAFETY: the channel is live, and keeps the value from now on.
        self.with_vm(|vm| unsafe { vm.heap.barrier_userdata(channel.userdata.0) });
        self.recount_channel(channel, growth);
        Ok(answer)
    }

    /// Receives a value: from the buffer, or from a goroutine that waits to send one. If the wait
    /// takes longer than `timeout`, the native gives `nil, "timeout"`, otherwise the value.
    pub fn channel_receive(
        &mut self,
        channel: ChannelHandle<'c>,
        timeout: Option<Duration>,
    ) -> Result<Transfer<Handle<'c>>, Error> {
        let mut queues = channel.queues();
        let buffered = queues.buffer.pop_front();
        let mut sent = None;
        while let Some((sender, value)) = queues.senders.pop_front() {
            // SAFETY: nothing but a boolean goes to the sender.
            if self.with_vm(|vm| unsafe { sender.wake_with(vm, &[Value::TRUE], true) }) {
                sent = Some(value);
                break;
            }
        }
        if let Some(value) = buffered {
            self.count_transfer();
            queues.buffer.extend(sent);
            if queues.buffer.is_empty() && queues.buffer.capacity() > LARGE_BUFFER {
                let freed = queues.buffer.capacity();
                queues.buffer = VecDeque::new();
                drop(queues);
                self.recount_channel(channel, freed);
            }
            return Ok(Transfer::Done(Handle::from_raw(value)));
        }
        if let Some(value) = sent {
            self.count_transfer();
            return Ok(Transfer::Done(Handle::from_raw(value)));
        }
        if queues.closed {
            return Ok(Transfer::Closed);
        }
        queues.clean(self);
        let growth = growth(&queues.receivers);
        self.check_memory(growth)?;
        let ticket = self.with_vm(|vm| vm.scheduler.running_ticket()).ok_or_else(outside)?;
        self.set_timer(timeout, Expiry::TimedOut)?;
        queues.receivers.push_back(Waiter::new(ticket));
        drop(queues);
        self.recount_channel(channel, growth);
        Ok(Transfer::Wait(self.parked(if timeout.is_some() {
            Wait::Outside
        } else {
            Wait::Receive
        })))
    }

    fn count_transfer(&mut self) {
        self.with_vm(|vm| {
            vm.scheduler.deadlock.transfers = vm.scheduler.deadlock.transfers.wrapping_add(1)
        });
    }

    /// Records that the running goroutine is notified of the channel's end. False if it had been
    /// notified before.
    pub fn tell_of_end(&mut self, channel: ChannelHandle<'c>) -> bool {
        let Some(id) = self.goroutine() else { return true };
        channel.queues().told.insert(id)
    }

    /// Closes a channel: buffered values are still delivered, goroutines that wait to receive get
    /// `closed`'s values and count as notified of the end; in those that wait to send, the send
    /// fails. Those that wait on multiple channels get the channel that it was.
    pub fn channel_close(&mut self, channel: ChannelHandle<'c>, closed: &[Handle<'c>]) {
        let mut queues = channel.queues();
        queues.closed = true;
        let values: Vec<Value> = closed.iter().map(|value| value.0).take(4).collect();
        for (sender, _) in std::mem::take(&mut queues.senders) {
            self.with_vm(|vm| sender.find_closed(vm));
        }
        for receiver in std::mem::take(&mut queues.receivers) {
            let goroutine = self.with_vm(|vm| vm.scheduler.goroutine_of(receiver.ticket));
            // SAFETY: the values are live.
            if self.with_vm(|vm| unsafe { receiver.wake_with(vm, &values, false) }) {
                queues.told.insert(goroutine);
            }
        }
    }
}

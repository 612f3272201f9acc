//! Channels: values handed from one goroutine to another. Unbuffered, a send meets its receive; buffered, it blocks when full.

use super::{Ticket, wake};
use crate::gc::Marker;
use crate::native::{Call, Error, Outcome, Userdata, Value as Handle};
use crate::userdata::Data;
use crate::value::Value;
use std::cell::RefCell;
use std::collections::VecDeque;

/// A channel, as the data of a userdata.
pub struct Channel(RefCell<Queues>);

struct Queues {
    capacity: usize,
    buffer: VecDeque<Value>,
    senders: VecDeque<(Ticket, Value)>,
    receivers: VecDeque<Ticket>,
    closed: bool,
}

impl Data for Channel {
    fn trace(&self, marker: &mut Marker<'_>) {
        let queues = self.0.borrow();
        queues.buffer.iter().for_each(|&value| marker.value(value));
        queues.senders.iter().for_each(|&(_, value)| marker.value(value));
    }
}

/// What a channel operation came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Transfer<T> {
    /// It is done.
    Done(T),
    /// The goroutine must wait: the native ends with [`Call::wait_on_channel`].
    Wait,
    /// The channel is closed.
    Closed,
}

impl Channel {
    /// A channel that holds up to `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Channel(RefCell::new(Queues {
            capacity,
            buffer: VecDeque::new(),
            senders: VecDeque::new(),
            receivers: VecDeque::new(),
            closed: false,
        }))
    }

    /// Whether it has been closed.
    pub fn is_closed(&self) -> bool {
        self.0.borrow().closed
    }
}

/// What a native that waits on a channel returns: the results come with the wake.
pub struct ChannelWait(());

impl<'c> crate::native::Results<'c> for ChannelWait {
    fn finish(self, _: &mut Call<'c>) -> Outcome {
        Outcome(crate::native::PARKED)
    }
}

impl<'c> Call<'c> {
    /// Sends a value: to a goroutine that waits for one, or into the buffer.
    pub fn channel_send(&mut self, userdata: Userdata<'c>, value: Handle<'c>) -> Result<Transfer<()>, Error> {
        let channel = userdata.get::<Channel>().ok_or_else(|| Error::text("not a channel"))?;
        let mut queues = channel.0.borrow_mut();
        if queues.closed {
            return Ok(Transfer::Closed);
        }
        while let Some(receiver) = queues.receivers.pop_front() {
            // SAFETY: the value is live.
            if self.with_vm(|vm| unsafe { wake(vm, receiver, &[value.0]) }) {
                return Ok(Transfer::Done(()));
            }
        }
        let ticket = self.with_vm(|vm| vm.scheduler.running_ticket());
        let answer = if queues.buffer.len() < queues.capacity {
            queues.buffer.push_back(value.0);
            Transfer::Done(())
        } else if let Some(ticket) = ticket {
            queues.senders.push_back((ticket, value.0));
            Transfer::Wait
        } else {
            return Err(Error::text("cannot wait outside of a goroutine"));
        };
        drop(queues);
        // SAFETY: the channel keeps the value from now on.
        self.with_vm(|vm| unsafe { vm.heap.barrier_userdata(userdata.0) });
        Ok(answer)
    }

    /// Receives a value: from the buffer, or from a goroutine that waits to send one.
    pub fn channel_receive(&mut self, userdata: Userdata<'c>) -> Result<Transfer<Handle<'c>>, Error> {
        let channel = userdata.get::<Channel>().ok_or_else(|| Error::text("not a channel"))?;
        let mut queues = channel.0.borrow_mut();
        let buffered = queues.buffer.pop_front();
        let mut sent = None;
        while let Some((sender, value)) = queues.senders.pop_front() {
            // SAFETY: nothing but a boolean goes to the sender.
            if self.with_vm(|vm| unsafe { wake(vm, sender, &[Value::TRUE]) }) {
                sent = Some(value);
                break;
            }
        }
        if let Some(value) = buffered {
            queues.buffer.extend(sent);
            return Ok(Transfer::Done(Handle::from_raw(value)));
        }
        if let Some(value) = sent {
            return Ok(Transfer::Done(Handle::from_raw(value)));
        }
        if queues.closed {
            return Ok(Transfer::Closed);
        }
        match self.with_vm(|vm| vm.scheduler.running_ticket()) {
            Some(ticket) => {
                queues.receivers.push_back(ticket);
                Ok(Transfer::Wait)
            }
            None => Err(Error::text("cannot wait outside of a goroutine")),
        }
    }

    /// Ends a native whose channel operation waits.
    pub fn wait_on_channel(&self) -> ChannelWait {
        ChannelWait(())
    }

    /// Closes a channel: what is buffered is still delivered, goroutines that wait to receive get `closed`'s values.
    pub fn channel_close(&mut self, userdata: Userdata<'c>, closed: &[Handle<'c>]) -> Result<(), Error> {
        let channel = userdata.get::<Channel>().ok_or_else(|| Error::text("not a channel"))?;
        let receivers = {
            let mut queues = channel.0.borrow_mut();
            queues.closed = true;
            std::mem::take(&mut queues.receivers)
        };
        let values: Vec<Value> = closed.iter().map(|value| value.0).take(4).collect();
        for receiver in receivers {
            // SAFETY: the values are live.
            self.with_vm(|vm| unsafe { wake(vm, receiver, &values) });
        }
        Ok(())
    }
}

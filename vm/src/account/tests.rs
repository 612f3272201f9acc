use super::*;

#[test]
fn shares_count_against_the_limit_until_they_are_dropped() {
    let account = Account::new(100);
    account.publish(0, 30);
    let mut held = account.hold(60).unwrap();
    assert_eq!(held.grow(11), Err(OutOfMemory));
    held.grow(10).unwrap();
    assert_eq!((account.used(), account.room()), (100, 0));
    held.shrink_to(20);
    assert_eq!(account.room(), 50);
    drop(held);
    assert_eq!(account.held(), 0);
}

#[test]
fn a_part_has_the_smaller_of_two_limits() {
    let account = Account::new(100);
    let part = account.part(40);
    assert!(part.hold(41).is_err());
    assert_eq!(account.held(), 0, "a refusal by the part leaves nothing");
    let held = part.hold(35).unwrap();
    let _rest = account.hold(50).unwrap();
    assert_eq!((part.room(), account.room()), (5, 15));
    drop(held);
    assert!(part.hold(35).is_ok());
    let _more = account.hold(50).unwrap();
    assert!(part.hold(1).is_err(), "the whole is full");
}

#[test]
fn large_shares_of_a_part_leave_room_for_small_ones() {
    let part = Account::new(2000).part(1000);
    assert!(part.hold(900).is_err());
    let large = part.hold(875).unwrap();
    assert!(part.hold(32).is_err());
    let _small = part.hold(31).unwrap();
    let _smaller = part.hold(20).unwrap();
    assert!(part.hold_existing(500).bytes() == 500, "what exists is held anyway");
    drop(large);
}

#[test]
fn a_part_without_room_does_not_hold_up_others() {
    let mut context = Context::from_waker(Waker::noop());
    let account = Account::new(1000);
    let part = account.part(100);
    let _full = part.hold(80).unwrap();
    let mut waits = part.hold_later(50);
    assert!(Pin::new(&mut waits).poll(&mut context).is_pending());
    let mut other = account.hold_later(100);
    assert!(Pin::new(&mut other).poll(&mut context).is_ready());
    let full = account.hold(850).unwrap();
    let mut later = account.hold_later(100);
    assert!(Pin::new(&mut later).poll(&mut context).is_pending());
    drop((other, full));
    assert!(Pin::new(&mut later).poll(&mut context).is_ready());
    assert!(Pin::new(&mut waits).poll(&mut context).is_pending());
}

#[test]
fn wishes_are_granted_in_order_or_refused() {
    let mut context = Context::from_waker(Waker::noop());
    let account = Account::new(200);
    let part = account.part(80);
    let first = part.hold(60).unwrap();
    let mut a = part.hold_later(50);
    let mut b = part.hold_later(10);
    assert!(Pin::new(&mut a).poll(&mut context).is_pending());
    assert!(Pin::new(&mut b).poll(&mut context).is_pending());
    account.refuse_wishes();
    assert!(Pin::new(&mut a).poll(&mut context).is_pending(), "only the part is full");
    drop(first);
    let Poll::Ready(Ok(a)) = Pin::new(&mut a).poll(&mut context) else { panic!("granted") };
    let Poll::Ready(Ok(b)) = Pin::new(&mut b).poll(&mut context) else { panic!("granted") };
    assert_eq!((a.bytes(), b.bytes(), part.held()), (50, 10, 60));
    drop((a, b));
    account.publish(0, 190);
    let mut c = part.hold_later(20);
    assert!(Pin::new(&mut c).poll(&mut context).is_pending());
    account.refuse_wishes();
    assert!(matches!(Pin::new(&mut c).poll(&mut context), Poll::Ready(Err(OutOfMemory))));
    assert!(!account.has_wishes());
    let mut never = part.hold_later(71);
    assert!(matches!(Pin::new(&mut never).poll(&mut context), Poll::Ready(Err(_))));
}

#[test]
fn an_abandoned_wish_makes_room_for_the_next() {
    let mut context = Context::from_waker(Waker::noop());
    let account = Account::new(100);
    let _first = account.hold(50).unwrap();
    let mut large = account.hold_later(60);
    let mut small = account.hold_later(10);
    assert!(Pin::new(&mut large).poll(&mut context).is_pending());
    assert!(Pin::new(&mut small).poll(&mut context).is_pending());
    drop(large);
    let Poll::Ready(Ok(held)) = Pin::new(&mut small).poll(&mut context) else { panic!("granted") };
    assert_eq!((held.bytes(), account.held()), (10, 60));
    drop(held);
    drop(small);
    assert_eq!(account.held(), 50);
}

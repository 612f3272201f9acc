//! Objects of Rust types: fields, methods, methods that wait.
#![cfg(test)]

use solvm::native::{Results, wait_for_result};
use solvm::{Call, Class, Data, Field, Library, Object, Runtime, This};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

struct Account {
    owner: RefCell<String>,
    balance: Rc<Cell<f64>>,
}

impl Data for Account {
    fn external_size(&self) -> usize {
        0
    }
}

impl Class for Account {
    const NAME: &'static str = "Account";
    const METHODS: &'static Library = &METHODS;
    const FIELDS: &'static [Field<Account>] = &[
        Field::new("owner", |account: &Account| account.owner.borrow().clone())
            .writable(|account: &Account, owner: String| *account.owner.borrow_mut() = owner),
        Field::new("balance", |account: &Account| account.balance.get()),
    ];
}

static METHODS: Library = solvm::library!("Account" {
    "deposit" => deposit,
    "deposit_later" => deposit_later,
});

fn deposit(_: &mut Call, account: This<Account>, amount: f64) {
    account.balance.set(account.balance.get() + amount);
}

fn deposit_later<'c>(
    _: &mut Call<'c>,
    account: This<'c, Account>,
    amount: f64,
) -> impl Results<'c> + use<'c> {
    let balance = account.balance.clone();
    wait_for_result(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if amount < 0.0 {
            return Err("an amount cannot be negative");
        }
        balance.set(balance.get() + amount);
        Ok((balance.get(), amount))
    })
}

fn account() -> Runtime {
    let mut lua = Runtime::new().unwrap();
    let balance = Rc::new(Cell::new(1.0));
    let account = Account { owner: RefCell::new("Ada".into()), balance };
    lua.set("account", Object(account)).unwrap();
    lua
}

#[test]
fn fields_are_read_and_written() {
    let mut lua = account();
    let found: (String, f64) = lua
        .eval(
            "account.owner = account.owner .. ' L.' account:deposit(2)
            return account.owner, account.balance",
        )
        .unwrap();
    assert_eq!(found, ("Ada L.".into(), 3.0));
    assert!(lua.eval::<bool>("return account.nothing == nil and account[1] == nil").unwrap());
    let mut message = |code: &str| lua.run(code).unwrap_err().message().to_string();
    assert_eq!(message("account.balance = 1"), "chunk:1: field 'balance' of Account is read-only");
    assert_eq!(message("account.age = 1"), "chunk:1: unknown field 'age' of Account");
    assert_eq!(message("account[1] = 1"), "chunk:1: unknown field (a number value) of Account");
    assert_eq!(
        message("account.owner = {}"),
        "chunk:1: bad value for field 'owner' of Account (UTF-8 string expected, got table)"
    );
    assert_eq!(
        message("getmetatable(account).__index({}, 'owner')"),
        "chunk:1: bad argument #1 to '__index' (Account expected, got table)"
    );
}

#[test]
fn methods_wait() {
    let mut lua = account();
    let code = "go(function() early = account.balance end) return account:deposit_later(4)";
    assert_eq!(lua.eval::<(f64, f64)>(code).unwrap(), (5.0, 4.0));
    assert_eq!(lua.get::<f64>("early").unwrap(), 1.0);
    let error = lua.run("account:deposit_later(-1)").unwrap_err();
    assert_eq!(error.message(), "chunk:1: an amount cannot be negative");
}

//! A program whose rules are in Lua: prices in, discounts out.

use solvm::{Call, Error, Function, Runtime, Sandbox};
use std::collections::BTreeMap;
use std::time::Duration;

const RULES: &str = "
    function discount(order)
        local total = 0
        for item, count in pairs(order) do
            total = total + price(item) * count
        end
        if total > 100 then return total * 0.1 end
        return 0
    end
";

fn main() -> Result<(), Error> {
    let mut lua = Runtime::builder()
        .world(Sandbox::new())
        .memory_limit(16 << 20)
        .call_limit(Duration::from_secs(1))
        .build()?;
    let prices = BTreeMap::from([("book".to_string(), 20.0), ("pen".to_string(), 1.5)]);
    lua.register("price", move |_: &mut Call, item: String| {
        prices.get(&item).copied().ok_or_else(|| format!("no price for '{item}'"))
    })?;
    lua.run(RULES)?;

    let discount: Function = lua.get("discount")?;
    for order in [BTreeMap::from([("book", 6), ("pen", 2)]), BTreeMap::from([("pen", 10)])] {
        let amount: f64 = discount.call(&mut lua, order.clone())?;
        println!("{order:?}: a discount of {amount}");
    }
    let error = lua.call::<f64>("discount", BTreeMap::from([("lamp", 1)])).unwrap_err();
    println!("{error}");
    Ok(())
}

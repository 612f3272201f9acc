-- The time limit ends a pathological match.
-- options: -timeout 300ms
-- exit: 124
print(("x"):rep(40):find(("x*"):rep(40) .. "y"))

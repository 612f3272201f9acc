-- Example 6, in the section "Monitoring and Error Handling / Error Handling".
-- stdout: Error occurred:
-- stdout: boom

-- The example:
on_error(function(err)
    print("Error occurred:", err)
end)

-- After the example:
go(function() error("boom") end)
wait()

-- Example 7, in the section "Monitoring and Error Handling / Memory Monitoring".
-- stdout: Memory usage:
-- stdout: Allocation diff:
-- stdout: Total allocation diff:
-- stdout: System memory diff:
-- stdout: Number of goroutines: 1

-- The example:
local mem_stats = check_memory()
print("Memory usage:")
print("  Allocation diff:", mem_stats.alloc_diff)
print("  Total allocation diff:", mem_stats.total_alloc_diff)
print("  System memory diff:", mem_stats.sys_diff)
print("  Number of goroutines:", mem_stats.goroutines)

-- After the example:
assert(mem_stats.alloc_diff % 1 == 0)
assert(mem_stats.total_alloc_diff >= 0)
assert(mem_stats.sys_diff % 1 == 0)

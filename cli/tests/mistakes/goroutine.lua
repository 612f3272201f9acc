local function worker(name)
  local jobs
  print(name, jobs.first)
end

go(worker, 'one')
wait()
error('done', 0)

// Runs beside the test process and outlives it: when that dies, however it does, everything it had started is removed.
// Arguments: the name of the run.
import { removeRun } from './leftovers.ts'

process.on('disconnect', async () => {
  await removeRun(process.argv[2]!)
  process.exit(0)
})
process.on('SIGINT', () => {})
process.send!('ready')

// Starts fraud detection, and ends it in good order on SIGINT and SIGTERM.
import { endWithNpm } from '../../npm-start.ts'
import { createService } from './service.ts'

endWithNpm()
try {
  const events = await createService()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void events.close())
  await events.run()
  console.log('fraud-detection watches transaction.events; alerts go to fraud.alerts')
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

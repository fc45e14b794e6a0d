// Starts the user service on port 3001 (PORT) of this machine, and ends it in good order on SIGINT and SIGTERM.
import { endWithNpm } from '../../npm-start.ts'
import { buildApp } from './app.ts'

endWithNpm()
const app = await buildApp().catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
console.log(`user-service listens on ${address}
try: curl -s ${address}/users -H 'content-type: application/json' -d '{"email":"ada@example.com","country":"GB","channel":"web"}'`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close())

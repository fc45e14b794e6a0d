// Writes platform.schema.json: `npm run schema --workspace @selfmonitor/platform`, after every change of format.ts.
import { writeFileSync } from 'node:fs'
import { platformJsonSchema } from './format.ts'

writeFileSync(new URL('../platform.schema.json', import.meta.url), `${JSON.stringify(platformJsonSchema(), null, 2)}\n`)

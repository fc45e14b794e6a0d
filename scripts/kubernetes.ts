// npm run kubernetes: builds the Kubernetes programs that test/deployment/api-server needs. Exits with 3 when they cannot be built here.
import { buildKubernetes } from '../test/deployment/api-server/binaries.ts'
import { ToolUnavailable } from '../test/deployment/static/fetch.ts'

const begun = Date.now()
try {
  await buildKubernetes((line) => console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`))
} catch (error) {
  if (!(error instanceof ToolUnavailable)) throw error
  console.error(error.message)
  process.exitCode = 3
}

// npm run prometheus: builds Prometheus, Alertmanager and their tools, which the tests of packages/monitor need. Exits with 3 when they
// cannot be built here.
import { buildPrometheus } from '../test/support/prometheus.ts'

const begun = Date.now()
const missing = await buildPrometheus((line) =>
  console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`),
)
if (missing !== null) {
  console.error(missing)
  process.exitCode = 3
}

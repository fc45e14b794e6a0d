// Metrics of a registry for Prometheus. Where Confluent's registry has the same figure in its JMX beans, it has the name that the
// chart's rules for the JMX agent give it (infra/k8s/kafka/helm/templates/platform/_jmx.tpl), so that one panel shows both.
import type { FastifyInstance } from 'fastify'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RegistryState } from '../store/index.ts'

export const metricsPath = '/metrics'
/** Requests on a path that the registry does not have share a series. */
const otherPath = 'other'
/** Seconds. A lookup takes less than a millisecond, a registration waits for Kafka. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Counts what the app answers and adds the path that shows it. To be called before routes are added. */
export function addMetrics(app: FastifyInstance, state: RegistryState): void {
  const registry = new Registry()
  const registers = [registry]
  const succeeded = new Counter({
    name: 'schema_registry_api_success_total',
    help: 'Requests that were answered with a status below 400.',
    registers,
  })
  const failed = new Counter({
    name: 'schema_registry_api_failure_total',
    help: 'Requests that were answered with a status of 400 or more.',
    registers,
  })
  const duration = new Histogram({
    name: 'schema_registry_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer, by method, path of the API and status.',
    labelNames: ['method', 'path', 'status'],
    buckets,
    registers,
  })
  new Gauge({
    name: 'schema_registry_subjects',
    help: 'Subjects with at least one version that is not deleted.',
    registers,
    collect() {
      this.set(state.subjects(false).length)
    },
  })
  new Gauge({
    name: 'schema_registry_schemas_registered',
    help: 'Versions of schemas that are registered.',
    registers,
    collect() {
      this.set(versionsOf(state).filter(({ deleted }) => !deleted).length)
    },
  })
  new Gauge({
    name: 'schema_registry_schemas_deleted',
    help: 'Versions of schemas that are soft-deleted.',
    registers,
    collect() {
      this.set(versionsOf(state).filter(({ deleted }) => deleted).length)
    },
  })

  app.addHook('onResponse', async (request, reply) => {
    const path = pathOf(request.routeOptions.url)
    if (path === metricsPath) return
    const counter = reply.statusCode < 400 ? succeeded : failed
    counter.inc()
    duration.observe({ method: request.method, path, status: String(reply.statusCode) }, reply.elapsedTime / 1_000)
  })
  app.get(metricsPath, async (_request, reply) => {
    const text = await registry.metrics()
    return reply.header('content-type', registry.contentType).send(Buffer.from(text))
  })
}

/** A route is there a second time for other contexts, of which there may be many: both count as one. */
function pathOf(route: string | undefined): string {
  if (route === undefined) return otherPath
  return route.replace(/^\/contexts\/:context(?=\/)/, '')
}

const versionsOf = (state: RegistryState) => state.subjects(true).flatMap((subject) => state.versions(subject, true))

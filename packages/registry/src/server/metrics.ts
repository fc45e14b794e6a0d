// Metrics of a registry for Prometheus. Where Confluent's registry has the same figure in its JMX beans, it has the name that the
// chart's rules for the JMX agent give it (infra/k8s/kafka/helm/templates/platform/_jmx.tpl), so that one panel shows both.

import {
  createMeasurements,
  type MeasuredMetric,
  type MetricSamples,
  metricsContentTypes,
  metricsText,
} from '@selfmonitor/http/metrics'
import type { FastifyInstance } from 'fastify'
import type { RegistryState, Store } from '../store/index.ts'

export const metricsPath = '/metrics'
/** Requests on a path that the registry does not have share a series. */
const otherPath = 'other'

const success: MeasuredMetric = {
  name: 'schema_registry_api_success_total',
  type: 'counter',
  help: 'Requests that were answered with a status below 400.',
}
const failure: MeasuredMetric = {
  name: 'schema_registry_api_failure_total',
  type: 'counter',
  help: 'Requests that were answered with a status of 400 or more.',
}
const duration: MeasuredMetric = {
  name: 'schema_registry_request_duration_seconds',
  type: 'histogram',
  help: 'Time from the arrival of a request to the end of its answer, by method, path of the API and status.',
  // A lookup takes less than a millisecond, a registration waits for Kafka.
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
}

/**
 * Counts what the app answers and adds the path that shows it. To be called before routes are added.
 * @param store asked for its state each time: it has another one when its topic was created again
 */
export function addMetrics(app: FastifyInstance, store: Pick<Store, 'state'>): void {
  const measured = createMeasurements()
  const succeeded = measured.series(success, {})
  const failed = measured.series(failure, {})

  app.addHook('onResponse', async (request, reply) => {
    const path = pathOf(request.routeOptions.url)
    if (path === metricsPath) return
    const count = reply.statusCode < 400 ? succeeded : failed
    count(1)
    measured.series(duration, { method: request.method, path, status: reply.statusCode })(reply.elapsedTime / 1_000)
  })
  app.get(metricsPath, async (_request, reply) =>
    reply
      .header('content-type', metricsContentTypes.prometheus)
      .send(Buffer.from(measured.text() + metricsText(gauges(store.state)))),
  )
}

function gauges(state: RegistryState): MetricSamples[] {
  const versions = state.subjects(true).flatMap((subject) => state.versions(subject, true))
  const gauge = (name: string, help: string, value: number): MetricSamples => {
    return { name: `schema_registry_${name}`, type: 'gauge', help, samples: [{ labels: {}, value }] }
  }
  return [
    gauge('subjects', 'Subjects with at least one version that is not deleted.', state.subjects(false).length),
    gauge(
      'schemas_registered',
      'Versions of schemas that are registered.',
      versions.filter((one) => !one.deleted).length,
    ),
    gauge(
      'schemas_deleted',
      'Versions of schemas that are soft-deleted.',
      versions.filter((one) => one.deleted).length,
    ),
  ]
}

/** A route is there a second time for other contexts, of which there may be many: both count as one. */
function pathOf(route: string | undefined): string {
  if (route === undefined) return otherPath
  return route.replace(/^\/contexts\/:context(?=\/)/, '')
}

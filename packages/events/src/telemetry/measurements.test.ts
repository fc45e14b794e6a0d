import { expect, it } from 'vitest'
import { createLibraryMeasurements } from './measurements.ts'
import { libraryMetrics } from './metrics-table.ts'

it("measurements have the names, labels and buckets of OpenTelemetry's exporters", () => {
  const all = createLibraryMeasurements()
  all.series(libraryMetrics.skipped, { 'messaging.destination.name': 'a', 'messaging.consumer.group.name': null })(2)
  all.series(libraryMetrics.skipped, { 'messaging.destination.name': 'a' })(1)
  all.series(libraryMetrics.processDuration, { 'error.type': null })(0.006)
  const lines = all.text().split('\n')
  expect(lines.slice(0, 4)).toEqual([
    '# HELP selfmonitor_events_skipped_total Events of types that this service has no handler for.',
    '# TYPE selfmonitor_events_skipped_total counter',
    'selfmonitor_events_skipped_total{messaging_destination_name="a"} 3',
    expect.stringContaining('# HELP messaging_process_duration_seconds '),
  ])
  expect(lines).toContain('messaging_process_duration_seconds_bucket{le="0.005"} 0')
  expect(lines).toContain('messaging_process_duration_seconds_bucket{le="0.01"} 1')
  expect(lines).toContain('messaging_process_duration_seconds_count 1')
})

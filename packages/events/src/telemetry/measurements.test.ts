import { describe, expect, it } from 'vitest'
import { createMeasurements } from './measurements.ts'
import { libraryMetrics } from './metrics-table.ts'

describe('measurements', () => {
  it('add up, and keep series of other labels apart', () => {
    const all = createMeasurements()
    const skipped = (topic: string) => all.series(libraryMetrics.skipped, { 'messaging.destination.name': topic })
    skipped('a')(1)
    skipped('b')(1)
    skipped('a')(2)
    expect(all.text()).toBe(
      [
        '# HELP selfmonitor_events_skipped_total Events of types that this service has no handler for.',
        '# TYPE selfmonitor_events_skipped_total counter',
        'selfmonitor_events_skipped_total{messaging_destination_name="a"} 3',
        'selfmonitor_events_skipped_total{messaging_destination_name="b"} 1',
        '',
      ].join('\n'),
    )
  })

  it('count a value in its bucket and all above it; a bound belongs to its bucket', () => {
    const all = createMeasurements()
    const add = all.series(libraryMetrics.processDuration, { 'error.type': null })
    for (const seconds of [0.005, 0.006, 100]) add(seconds)
    const lines = all.text().split('\n')
    expect(lines).toContain('messaging_process_duration_seconds_bucket{le="0.005"} 1')
    expect(lines).toContain('messaging_process_duration_seconds_bucket{le="0.01"} 2')
    expect(lines).toContain('messaging_process_duration_seconds_bucket{le="10"} 2')
    expect(lines).toContain('messaging_process_duration_seconds_bucket{le="+Inf"} 3')
    expect(lines).toContain('messaging_process_duration_seconds_count 3')
    expect(lines).toContain('messaging_process_duration_seconds_sum 100.011')
  })

  it('escape what a value of a label may contain', () => {
    const all = createMeasurements()
    all.series(libraryMetrics.retried, { 'messaging.destination.name': 'a"b\\c\nd' })(1)
    expect(all.text()).toContain('{messaging_destination_name="a\\"b\\\\c\\nd"} 1')
  })
})

// Metrics as Prometheus reads them. It loads nothing else of this package.
export {
  type Add,
  createMeasurements,
  type MeasuredMetric,
  type Measurements,
  type MetricLabels,
} from './measurements.ts'
export {
  histogramLines,
  labelsText,
  labelValue,
  type MetricHead,
  type MetricSamples,
  metricHead,
  metricsContentTypes,
  metricsEnd,
  metricsText,
  sampleLine,
  type TextFormat,
} from './text.ts'

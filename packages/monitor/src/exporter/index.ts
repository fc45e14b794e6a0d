// The exporter.
export { ExporterError, type Listen, type MetricsServer } from './server.ts'
export { type Exporter, type ExporterOptions, startExporter } from './start.ts'

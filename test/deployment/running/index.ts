// The door of the running proof: a small cluster that starts a chart's pods for real on this machine.
export { addresses } from './edge/network.ts'
export {
  clientPod,
  copySecret,
  type KafkaCluster,
  type KafkaOptions,
  openTools,
  smallValues,
  startKafka,
  toolsPod,
} from './kafka-cluster.ts'
export { renderChart } from './render.ts'
export { missingForCluster } from './requirements.ts'
export { startCluster } from './start-cluster.ts'
export type * from './types.ts'

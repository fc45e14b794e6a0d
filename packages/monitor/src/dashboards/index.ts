// The dashboards, and how they are written for Grafana.
import { brokers } from './brokers.ts'
import { consumers } from './consumers.ts'
import type { Dashboard } from './model.ts'
import { objectives } from './objectives.ts'
import { overview } from './overview.ts'
import { services } from './services.ts'
import { topics } from './topics.ts'

export { classicDashboard, v2Dashboard } from './grafana.ts'
export type { Dashboard, Panel, Query, Row, Threshold, Unit, ValueName, Variable } from './model.ts'

export const dashboards: readonly Dashboard[] = [overview, consumers, brokers, topics, services, objectives]

// One of Apache Kafka's command-line tools with its own options: node kafka-tool.ts kafka-topics --bootstrap-server …
import { fetchDistribution, runTool, type ToolName } from '@selfmonitor/apache'

const [tool, ...args] = process.argv.slice(2)
const { exitCode, stdout, stderr } = await runTool(await fetchDistribution(), tool as ToolName, args)
process.stdout.write(stdout)
process.stderr.write(stderr)
process.exitCode = exitCode

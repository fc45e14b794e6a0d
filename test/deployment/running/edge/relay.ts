// Runs in the API server's network namespace: passes connections on to the API server of the test process, by a socket file.
import { connect, createServer } from 'node:net'

const [host, port, path] = process.argv.slice(2)

process.on('disconnect', () => process.exit(0))
createServer((client) => {
  const server = connect(path!)
  client.pipe(server).pipe(client)
  client.on('error', () => server.destroy())
  server.on('error', () => client.destroy())
}).listen(Number(port), host, () => process.send!('ready'))

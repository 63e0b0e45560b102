import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import { main as startRealmProvider } from '../../cells/realm-provider/main.ts'
import { realmResource } from '../../crds/resources.ts'
import { site } from '../../operator/desired/realm.fixtures.ts'
import { startApiServer } from '../apiserver/apiserver.ts'
import { startOperator } from '../apiserver/bare-operator.ts'
import { startControllers } from '../apiserver/controllers.ts'
import { startFakeKubelet } from '../apiserver/kubelet.ts'
import { inNamespace } from '../apiserver/namespace.ts'
import { freePort } from '../free-port.ts'
import { CellPods, NODE } from './cell-pods.ts'
import { type Nginx, startNginxController } from './nginx.ts'
import { GATEWAY_CONTROLLER, INGRESS_CONTROLLER, startTraefik, TRAEFIK, type Traefik } from './traefik.ts'

/** Folders and programs of the parts that it is made of. */
export interface ProxyParts {
  kube: string
  gatewayApi: string
  traefik: string
  nginx: string
}

/** Realms whose connectors run in this process, on a real API server, behind real proxies. */
export interface ProxiedRealms extends ReturnType<typeof inNamespace>, Running {
  pods: CellPods
  traefik: Traefik
  nginx: Nginx
  /** Deletes a Realm. */
  remove(name: string): Promise<unknown>
}

const NAMESPACE = 'players'
const GATEWAY = 'edge'

/** What a Realm says about its exposure to be served by Traefik. */
export const exposures = {
  Ingress: { type: 'Ingress', tls: 'Terminated', className: TRAEFIK },
  Gateway: { type: 'Gateway', tls: 'Terminated', gateway: { name: GATEWAY } },
} as const

const nodes: Resource = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', clusterScoped: true }
const gatewayClass: Resource = {
  ...{ apiVersion: resources.Gateway.apiVersion, kind: 'GatewayClass', plural: 'gatewayclasses', clusterScoped: true },
}

/**
 * Starts an API server with the Gateway API and the controller of EndpointSlices, the operator, the realm provider, Traefik, and an nginx
 * that follows all Ingresses.
 */
export async function startProxiedRealms(parts: ProxyParts): Promise<ProxiedRealms> {
  const started: { stop(): Promise<unknown> }[] = []
  const keep = <T extends { stop(): Promise<unknown> }>(each: T): T => {
    started.unshift(each)
    return each
  }
  const stop = async () => {
    for (const each of started.splice(0)) await each.stop()
  }
  try {
    const api = keep(await startApiServer(parts.kube))
    const user = api.client()
    await install(user, parts.gatewayApi)
    keep(startControllers(parts.kube, api, ['endpointslice-controller', 'garbage-collector-controller']))
    const traefik = keep(await startTraefik(parts.traefik, api.kubeconfig))
    await describeTraefik(user, traefik)
    const port = String(await freePort())
    const variables = { KUBECONFIG: api.kubeconfig, WATCH_NAMESPACES: NAMESPACE, LOG_LEVEL: 'silent', CONSOLE: 'None' }
    keep(await startRealmProvider({ ...variables, HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: port }))
    const providerUrl = `http://127.0.0.1:${port}`
    const pods = keep(new CellPods({ client: api.client(), namespace: NAMESPACE, providerUrl }))
    keep(startFakeKubelet(api.client(), NAMESPACE))
    keep(await startOperator(api, NAMESPACE, undefined, { site: { ...site, propagationMs: 300 } }))
    const nginx = keep(await startNginxController(parts.nginx, api.client(), NAMESPACE))
    return {
      ...inNamespace(
        () => user,
        () => NAMESPACE,
      ),
      ...{ pods, traefik, nginx, stop },
      remove: (name) => user.remove(realmResource, { namespace: NAMESPACE, name }),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function install(user: KubeClient, crds: string): Promise<void> {
  for (const file of readdirSync(crds).filter((name) => name.includes('.networking.k8s.io_')))
    for (const document of parseAllDocuments(readFileSync(join(crds, file), 'utf8')))
      await user.create(resources.CustomResourceDefinition, document.toJS() as KubeObject)
  await user.create(resources.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  await user.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } })
}

/** The classes by which realms ask for Traefik, and a Gateway. */
async function describeTraefik(user: KubeClient, { gatewayPort }: Traefik): Promise<void> {
  const create = (resource: Resource, metadata: { name: string; namespace?: string }, spec: object) =>
    user.create(resource, { apiVersion: resource.apiVersion, kind: resource.kind, metadata, spec } as KubeObject)
  await create(resources.IngressClass, { name: TRAEFIK }, { controller: INGRESS_CONTROLLER })
  await create(gatewayClass, { name: TRAEFIK }, { controllerName: GATEWAY_CONTROLLER })
  const listener = { name: 'http', port: gatewayPort, protocol: 'HTTP' }
  await create(resources.Gateway, { name: GATEWAY, namespace: NAMESPACE }, { gatewayClassName: TRAEFIK, listeners: [listener] })
}

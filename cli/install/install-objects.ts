import { parse, parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import { version } from '../../cells/version.ts'
import { crdFiles, readCrdText } from '../../crds/schema.ts'
import { installText } from './install-text.ts'

/** What stands for the image in the manifest. */
const IMAGE = 'registry.invalid/realm-operator'

const RBAC = 'rbac.authorization.k8s.io/v1'
const kinds: Readonly<Record<string, Resource>> = {
  ...resources,
  ClusterRole: { apiVersion: RBAC, kind: 'ClusterRole', plural: 'clusterroles', clusterScoped: true },
  ClusterRoleBinding: { apiVersion: RBAC, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', clusterScoped: true },
  Role: { apiVersion: RBAC, kind: 'Role', plural: 'roles' },
  RoleBinding: { apiVersion: RBAC, kind: 'RoleBinding', plural: 'rolebindings' },
}

/** Where the API server serves an object of the installation. */
export function resourceOf({ kind }: KubeObject): Resource {
  const resource = kinds[kind]
  if (!resource) throw new Error(`no object of an installation is a ${kind}`)
  return resource
}

/** All objects of an installation, in the order in which they are applied: the namespace, the CRDs, then what needs them. */
export function installObjects(imageRepository: string): KubeObject[] {
  const text = installText().replaceAll(IMAGE, imageRepository)
  const [namespace, ...rest] = parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as KubeObject],
  )
  return [...(namespace ? [namespace] : []), ...crdFiles.map(crdOf), ...rest]
}

/** With the labels of the chart, by which its version is known. */
function crdOf(file: (typeof crdFiles)[number]): KubeObject {
  const crd = parse(readCrdText(file), { merge: true }) as KubeObject
  const labels = { 'app.kubernetes.io/part-of': 'realm-operator', 'app.kubernetes.io/version': version }
  return { ...crd, metadata: { ...crd.metadata, labels: { ...crd.metadata.labels, ...labels } } }
}

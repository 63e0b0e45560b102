// A page as a function of the data: nodes are described, and the document is changed where it differs, so that focus, selection and
// scroll positions stay.

const SVG = 'http://www.w3.org/2000/svg'
const SVG_TAGS = new Set(['svg', 'path'])

/** Describes an element. Text comes from other services, so it only ever becomes text. */
export const h = (tag, attributes, ...children) => ({
  tag,
  attributes: attributes ?? {},
  children: children.flat(3).filter((child) => child !== null && child !== undefined && child !== false),
})

/** Makes the children of an element be as described. */
export function render(parent, children) {
  const wanted = [children].flat(3).filter((child) => child !== null && child !== undefined && child !== false)
  const keyed = new Map()
  for (const node of parent.childNodes) if (node.describedKey !== undefined) keyed.set(node.describedKey, node)
  let next = parent.firstChild
  for (const child of wanted) {
    const key = child.attributes?.key
    let node = key === undefined ? next : keyed.get(key)
    if (!node || !isSame(node, child) || (key === undefined && node.describedKey !== undefined)) node = create(child)
    if (node === next) next = next.nextSibling
    else parent.insertBefore(node, next)
    update(node, child)
  }
  while (next) {
    const after = next.nextSibling
    next.remove()
    next = after
  }
}

const isText = (child) => typeof child !== 'object'

function isSame(node, child) {
  if (isText(child)) return node.nodeType === Node.TEXT_NODE
  return node.nodeType === Node.ELEMENT_NODE && node.localName === child.tag && node.describedKey === child.attributes.key
}

function create(child) {
  if (isText(child)) return document.createTextNode('')
  const node = SVG_TAGS.has(child.tag) ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag)
  node.describedKey = child.attributes.key
  return node
}

function update(node, child) {
  if (isText(child)) {
    if (node.nodeValue !== String(child)) node.nodeValue = String(child)
    return
  }
  const { key: _, ...attributes } = child.attributes
  for (const { name } of [...node.attributes]) {
    if (attributes[name] === undefined || attributes[name] === false) if (!isKept(node, name)) node.removeAttribute(name)
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue
    const text = value === true ? '' : String(value)
    if (node.getAttribute(name) !== text) node.setAttribute(name, text)
  }
  // A canvas draws itself, and keeps what it is told.
  if (node.localName !== 'canvas') render(node, child.children)
}

const isKept = (node, name) => node.localName === 'canvas' && (name === 'width' || name === 'height')

// Adds to the page what needs a script: a form that tries each operation. What it sends and shows
// is set as text, never as markup; tokens are kept here, and nowhere that outlives the page.

const TOKENS = ["access_token", "refresh_token"];

const tokens = new Map();
const boxes = new Map();

const answer = await fetch("openapi.json");
const api = await answer.json();

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function resolved(node) {
  if (!node.$ref) return node;
  return resolved(node.$ref.slice(2).split("/").reduce((found, step) => found[step], api));
}

// Tokens

function keepTokensOf(body) {
  for (const [name, input] of boxes) {
    if (typeof body[name] !== "string") continue;
    tokens.set(name, body[name]);
    input.value = body[name];
  }
}

function tokenBoxes() {
  const form = make("form", { class: "fields", onsubmit: (event) => event.preventDefault() });
  for (const name of TOKENS) {
    if (!api.components.securitySchemes[name]) continue;
    // Not a password field: a browser would offer to store what is in it.
    const input = make("input", {
      id: name,
      class: "secret",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => tokens.set(name, input.value.trim()),
    });
    boxes.set(name, input);
    form.append(make("label", { for: name }, make("code", {}, name)), input);
  }
  form.append(
    make("p", { class: "quiet" },
      "For the forms on this page. Log in fills them in; they are gone when the page is."),
  );
  document.getElementById("tokens").append(form);
}

// The first credential the operation accepts and the page has.
function credentialFor(operation) {
  const accepted = operation.security.flatMap(Object.keys).filter((name) => boxes.has(name));
  return { accepted, name: accepted.find((name) => tokens.get(name)) };
}

function credentialHeader(name, token) {
  const scheme = resolved(api.components.securitySchemes[name]);
  if (scheme.type === "http") return ["Authorization", `Bearer ${token}`];
  return [scheme.name, [scheme["x-prefix"], token].filter(Boolean).join(" ")];
}

// The request

function requestOf(entry, form) {
  let path = entry.path;
  const query = new URLSearchParams();
  const headers = [];
  for (const input of form.querySelectorAll("[data-in]")) {
    const { in: place, name } = input.dataset;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (place === "query") query.append(name, input.value);
    else headers.push([name, input.value]);
  }
  const url = new URL(path.slice(1), document.baseURI);
  url.search = query;
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers.push(["Content-Type", "application/json"]);
  return { method: entry.method, url: url.href, headers, body };
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// With the token in a variable: what is copied into a shell stays in its history.
function curlOf(request, credential) {
  const parts = [`curl -X ${request.method} ${quoted(request.url)}`];
  if (credential) {
    const variable = `$${credential.toUpperCase()}`;
    parts.push(`-H "${credentialHeader(credential, variable).join(": ")}"`);
  }
  for (const header of request.headers) parts.push(`-H ${quoted(header.join(": "))}`);
  if (request.body !== undefined) parts.push(`--data-raw ${quoted(request.body)}`);
  return parts.join(" \\\n  ");
}

// The answer

const JSON_PARTS = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

const opens = (part) => part === "{" || part === "[";
const closes = (part) => part === "}" || part === "]";

// Indented as it came: numbers too large for this language keep their digits.
export function pretty(text) {
  const parts = text.match(JSON_PARTS) ?? [];
  let depth = 0;
  let shown = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  parts.forEach((part, at) => {
    if (closes(part)) {
      depth = Math.max(0, depth - 1);
      if (!opens(parts[at - 1])) shown += line();
    }
    shown += part;
    if (opens(part)) {
      depth += 1;
      if (!closes(parts[at + 1])) shown += line();
    } else if (part === ",") shown += line();
    else if (part === ":") shown += " ";
  });
  return shown;
}

function coloured(text) {
  const code = make("code");
  let at = 0;
  for (const match of text.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g)) {
    const kind = match[2] ? "key" : match[1] ? "string" : "literal";
    code.append(text.slice(at, match.index), make("span", { class: kind }, match[1] ?? match[0]));
    at = match.index + (match[1] ?? match[0]).length;
  }
  code.append(text.slice(at));
  return code;
}

function block(title, content, { copy = "", open = false } = {}) {
  const summary = make("summary", {}, title);
  const pre = make("pre", { tabindex: "0" }, content);
  const details = make("details", { open }, summary, pre);
  if (copy && navigator.clipboard) {
    const button = make("button", {
      type: "button",
      class: "plain",
      onclick: async () => {
        await navigator.clipboard.writeText(copy);
        button.textContent = "Copied";
      },
    }, "Copy");
    details.append(button);
  }
  return details;
}

async function send(entry, form, result) {
  const { accepted, name } = credentialFor(entry.operation);
  const request = requestOf(entry, form);
  const curl = curlOf(request, name);
  const headers = new Headers(request.headers);
  if (name) headers.set(...credentialHeader(name, tokens.get(name)));
  const started = performance.now();
  // No cookies: what is sent is what is shown.
  const response = await fetch(request.url, {
    method: request.method, headers, body: request.body, credentials: "omit", cache: "no-store",
  });
  const text = await response.text();
  const duration = Math.round(performance.now() - started);
  const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
  result.replaceChildren(
    make("p", { class: "outcome", role: "status" },
      make("span", { class: `status s${Math.floor(response.status / 100)}` }, String(response.status)),
      ` in ${duration} ms`,
      accepted.length && !name ? ", sent without a token" : ""),
    ...(text ? [block("Body", isJson ? coloured(pretty(text)) : text, { copy: text, open: true })] : []),
    block("Headers", [...response.headers].map((header) => header.join(": ")).join("\n")),
    block("curl", curl, { copy: curl }),
  );
  if (response.ok && isJson) keepTokensOf(JSON.parse(text));
}

// The form

function field(entry, parameter) {
  const id = `${entry.operation.operationId}-${parameter.name}`;
  const input = make("input", {
    id,
    "data-in": parameter.in,
    "data-name": parameter.name,
    inputmode: parameter.schema.type === "integer" ? "numeric" : "text",
    required: parameter.required ?? false,
    autocomplete: "off",
    spellcheck: "false",
  });
  return [make("label", { for: id }, make("code", {}, parameter.name)), input];
}

function fieldsOf(entry) {
  const parameters = entry.operation.parameters.map(resolved);
  const first = parameters.filter((each) => each.in !== "header");
  const headers = parameters.filter((each) => each.in === "header");
  const made = first.length
    ? [make("div", { class: "fields" }, ...first.flatMap((each) => field(entry, each)))]
    : [];
  const body = entry.operation.requestBody?.content["application/json"];
  if (body) {
    const id = `${entry.operation.operationId}-body`;
    const text = JSON.stringify(body.example, null, 2);
    made.push(
      make("label", { for: id }, "Body"),
      make("textarea", { id, rows: text.split("\n").length + 1, spellcheck: "false" }, text),
    );
  }
  made.push(
    make("details", {}, make("summary", {}, "Request headers"),
      make("div", { class: "fields" }, ...headers.flatMap((each) => field(entry, each)))),
  );
  return made;
}

function tryIt(entry) {
  const result = make("div", { class: "result" });
  const button = make("button", { type: "submit" }, "Send");
  const form = make("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        await send(entry, form, result);
      } catch (error) {
        result.replaceChildren(make("p", { role: "alert" }, `Not sent: ${error.message}`));
      } finally {
        button.disabled = false;
      }
    },
    onkeydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    },
  }, ...fieldsOf(entry), button);
  return make("details", { class: "try" }, make("summary", {}, "Try it"), form, result);
}

// The page

function contents() {
  const nav = document.getElementById("contents");
  nav.addEventListener("click", (event) => {
    if (event.target.closest("a") && nav.matches(":popover-open")) nav.hidePopover();
  });
  const links = new Map();
  for (const link of nav.querySelectorAll("li a")) links.set(link.hash.slice(1), link);
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(target.id).setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-15% 0px -75%" },
  );
  for (const id of links.keys()) seen.observe(document.getElementById(id));
}

tokenBoxes();
contents();
for (const [path, item] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    const article = document.getElementById(operation.operationId);
    const entry = { path, method: method.toUpperCase(), operation };
    article.querySelector(".examples").prepend(tryIt(entry));
  }
}

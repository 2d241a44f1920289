// Commands from a desk: held for a second or sent with reason and code, sent once, nothing lost.

const HOLD_MS = 1000;
const SELECTOR = "form[data-command]";
let csrf = document.body.dataset.csrf;

/** A key of its own for each command: sent again after a lost answer it is done once. */
function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function say(form, text, good) {
  const beside = form.querySelector("[data-said]");
  const everywhere = document.getElementById("said");
  if (beside && !good) beside.textContent = text;
  everywhere.textContent = text;
  everywhere.hidden = false;
}

async function post(form) {
  form.dataset.once ||= fresh();
  const body = new URLSearchParams(new FormData(form));
  body.set("csrf", csrf);
  body.set("once", form.dataset.once);
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
  return answer.json();
}

async function send(form) {
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  try {
    let said = await post(form);
    if (said.key === "old_form") {
      // Signed in anew in another tab: the word of the new session, then once more.
      const word = await fetch("/word");
      if (word.ok) { csrf = (await word.json()).csrf; said = await post(form); }
    }
    say(form, said.said, said.ok);
    if (said.ok) {
      form.reset();
      delete form.dataset.once;
      delete form.dataset.dirty;
      form.querySelector("[data-said]")?.replaceChildren();
    } else form.dataset.dirty = "1";
  } catch {
    form.dataset.dirty = "1";
    say(form, document.body.dataset.unreached, false);
  } finally {
    delete form.dataset.sending;
    if (form.elements.held) form.elements.held.value = "";
  }
}

let timer = 0;
function begin(button) {
  clearTimeout(timer);
  button.classList.add("holding");
  timer = setTimeout(() => {
    button.classList.remove("holding");
    button.form.elements.held.value = "1";
    send(button.form);
  }, HOLD_MS);
}
function cancel() {
  clearTimeout(timer);
  for (const button of document.querySelectorAll(".holding")) button.classList.remove("holding");
}

const held = (event) => event.target.closest?.("button[data-hold]");
document.addEventListener("pointerdown", (event) => { if (held(event) && event.button === 0) begin(held(event)); });
for (const kind of ["pointerup", "pointercancel", "blur"]) document.addEventListener(kind, cancel, true);
document.addEventListener("keydown", (event) => {
  if (!held(event) || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  if (!event.repeat) begin(held(event));
});
document.addEventListener("keyup", cancel);
document.addEventListener("submit", (event) => {
  const form = event.target.closest(SELECTOR);
  if (!form) return;
  event.preventDefault();
  if (!form.querySelector("button[data-hold]")) send(form);
});
document.addEventListener("input", (event) => {
  const form = event.target.closest(SELECTOR);
  if (form) { form.dataset.dirty = "1"; delete form.dataset.once; }
});

/** The one style sheet of the pages: it follows the system's colours, contrast and text size. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f1f4f8; --card: #fff; --ink: #18212d; --quiet: #566377; --line: #7d8a9c;
  --accent: #1f55b5; --on-accent: #fff; --fault: #a11c2c; --fault-ground: #fdf0f1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12171e; --card: #1b222c; --ink: #e8edf4; --quiet: #a4b0c0; --line: #75839a;
    --accent: #8db6ff; --on-accent: #0d1a30; --fault: #ff9aa6; --fault-ground: #3a1d23;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  background: var(--ground); color: var(--ink);
}
main {
  width: 100%; max-width: 26rem; padding: 2.25rem; border-radius: 1rem; background: var(--card);
  box-shadow: 0 1px 2px #0002, 0 12px 40px #00000014;
}
.organization { margin: 0 0 1.5rem; font-weight: 650; letter-spacing: .01em; color: var(--quiet); }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p { margin: 0 0 1.25rem; color: var(--quiet); overflow-wrap: anywhere; }
p strong { color: var(--ink); font-weight: 600; }
label { display: block; margin-bottom: .4rem; font-weight: 600; }
input + label { margin-top: 1.1rem; }
input[type=email], input[type=text] {
  width: 100%; padding: .7rem .8rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: .55rem;
}
input[aria-invalid=true] { border-color: var(--fault); }
button, .button {
  display: block; width: 100%; margin-top: 1rem; padding: .75rem 1rem; border: 1px solid transparent;
  border-radius: .55rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none;
  color: var(--on-accent); background: var(--accent); cursor: pointer; overflow-wrap: anywhere;
}
button:hover, .button:hover { filter: brightness(1.08); }
button.choice { text-align: start; color: var(--ink); background: transparent; border-color: var(--line); }
button.choice:hover { border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.fault {
  margin: .6rem 0 0; padding: .6rem .8rem; border-radius: .55rem; color: var(--fault);
  background: var(--fault-ground);
}
.trace {
  display: block; margin: .35rem 0 1.5rem; font: 600 1.25rem/1.6 ui-monospace, "Cascadia Mono", Menlo, monospace;
  letter-spacing: .06em; color: var(--ink); user-select: all;
}
.cancel { margin: 1.25rem 0 0; text-align: center; }
.cancel a { color: var(--quiet); }
`;

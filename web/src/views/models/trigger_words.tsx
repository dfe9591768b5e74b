import { toast } from "../../state/toasts.ts";

function copyWord(word: string): void {
  void navigator.clipboard?.writeText(word).then(() => toast(`Copied “${word}”.`));
}

export function TriggerWords({ words }: { words: readonly string[] }) {
  if (words.length === 0) return null;
  return (
    <section className="stack">
      <h3>Trigger words</h3>
      <p className="triggers">
        {words.map((word) => (
          <button key={word} type="button" className="chip" title="Copy" onClick={() => copyWord(word)}>
            {word}
          </button>
        ))}
      </p>
    </section>
  );
}

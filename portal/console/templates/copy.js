// Puts the draft on the clipboard. Without it the text is selected and copied by hand.
(() => {
  "use strict";
  const button = document.getElementById("copier"), text = document.getElementById("brouillon"), said = document.getElementById("copie");
  if (!button || !text) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    text.focus();
    text.select();
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text.value);
      else document.execCommand("copy");
      said.textContent = "Le brouillon est copié.";
    } catch {
      said.textContent = "Copiez le texte choisi : touches Ctrl et C.";
    }
  });
})();

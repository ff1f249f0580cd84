"""Why a number is in the deny-list: the sentences, in the language of the source (`data/numbers.toml` names them)."""

from __future__ import annotations

from veille.checks.rules import mark

REASONS = {
    "belgian-line": mark(
        "It is the Belgian line 0800 30 030 “Écoute violences conjugales” with its digits regrouped: from France it "
        "cannot be reached, and who dials it gets nothing. In France 3919 answers."
    ),
    "belgian-ear": mark("It is Télé-Accueil in Belgium. In France nobody answers."),
    "belgian-advice": mark("It is a Belgian line on violence. In France nobody answers there; 3919 does."),
    "net-ecoute": mark("It was Net Écoute. It is 3018 now."),
    "school-bullying": mark("It was the line on bullying at school. Since 2024 it is part of 3018."),
    "jeunes-violences-ecoute": mark(
        "It was Jeunes Violences Écoute in Île-de-France, and the line has had other numbers since. "
        "It is not the line on gambling either."
    ),
    "successor": mark("It followed Jeunes Violences Écoute in 2014; nobody knows whether it still answers."),
    "08-victimes": mark("It was “08 VICTIMES”. Since December 2018 France Victimes has another number."),
    "adult-maltreatment": mark(
        "It was the line on the abuse of old and disabled people, and it is said to have another number now."
    ),
    "nobody-knows": mark("We found no service that answers there."),
    "directory-enquiries": mark("118 begins numbers of directory enquiries; the fire brigade has two digits."),
}

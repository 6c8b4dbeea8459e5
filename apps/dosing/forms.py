"""Entry forms of doses and cell products."""

from collections.abc import Callable

from django import forms

from apps.assessments.models import YesNo
from apps.assessments.terms import ROUTES
from apps.dosing import plan
from apps.dosing.models import Administration, CellProduct, Manufacture, Modification, ProductBag
from apps.visits.forms import CrfForm, EntryContext

CELLS_UNIT = "× 10⁹"


class AdministrationForm(CrfForm):
    presets = ("unit", "route")
    units = {"volume": "mL"}

    class Meta(CrfForm.Meta):
        model = Administration
        fields = (
            "was_given", "dose", "unit", "started", "ended", "modification", "modification_reason",
            "modification_detail", "lot", "route", "volume",
        )  # fmt: skip

    def prepare(self, context: EntryContext) -> None:
        product = context.definition.product(context.definition.form(context.form_code).product or "")
        self._offer("unit", (product.unit, self.instance.planned_unit, self.instance.unit))
        self._offer("route", (product.route, self.instance.route, *ROUTES), words=str.capitalize)
        given, modification = self.instance.was_given, self.instance.modification
        self.needed = ("was_given",)
        if given == YesNo.YES:
            escalated = product.code == plan.escalated_product(context.definition)
            self.needed += ("dose", "unit", "started", "modification", *(("ended",) if escalated else ()))
        if given == YesNo.NO or modification not in (None, Modification.NONE):
            self.needed += ("modification_reason",)

    def _offer(self, name: str, answers: tuple[str | None, ...], *, words: Callable[[str], str] = str) -> None:
        choices = [(each, words(each)) for each in dict.fromkeys(answers) if each]
        self.fields[name] = forms.TypedChoiceField(
            choices=[("", "–"), *choices],
            label=self.fields[name].label,
            widget=forms.Select(attrs=self.fields[name].widget.attrs),
            required=False,
            empty_value=None,
        )


class CellProductForm(CrfForm):
    units = {"transduced_cells": CELLS_UNIT, "body_surface": "m²"}

    class Meta(CrfForm.Meta):
        model = CellProduct
        fields = (
            "apheresis", "apheresis_number", "manufacture", "manufacture_on", "out_of_specification",
            "release_document", "lot", "transduced_cells", "body_surface", "body_surface_on",
        )  # fmt: skip

    def prepare(self, context: EntryContext) -> None:
        self.fields["manufacture_on"].label = "In this state since"
        state = self.instance.manufacture
        self.needed = ("apheresis", "apheresis_number", "manufacture", "manufacture_on")
        if state in (Manufacture.RELEASED, Manufacture.RELEASED_OUT_OF_SPECIFICATION):
            self.needed += ("lot", "release_document", "transduced_cells", "body_surface", "body_surface_on")
        if state == Manufacture.RELEASED_OUT_OF_SPECIFICATION:
            self.needed += ("out_of_specification",)


class ProductBagForm(CrfForm):
    needed = ("bag", "expires")
    units = {"volume": "mL"}

    class Meta(CrfForm.Meta):
        model = ProductBag
        fields = ("bag", "expires", "thawed", "volume")

    def prepare(self, context: EntryContext) -> None:
        field = self.fields["expires"]
        field.in_future = True  # type: ignore[attr-defined]  # a TypedDate: a bag expires later

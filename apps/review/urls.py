from django.urls import path

from apps.review.views import locking, queries, signing, verification

urlpatterns = [
    path("queries/", queries.QueryList.as_view(), name="queries"),
    path("queries/raise/", queries.RaiseQuery.as_view(), name="query_raise"),
    path("queries/<int:number>/", queries.QueryPage.as_view(), name="query"),
    path("verification/", verification.VerificationList.as_view(), name="verification"),
    path("verification/mark/", verification.Verify.as_view(), name="verify"),
    path("reviewed/", verification.MarkReviewed.as_view(), name="mark_reviewed"),
    path("signatures/", signing.SignatureQueue.as_view(), name="signature_queue"),
    path("signatures/sign/", signing.SignRecords.as_view(), name="sign_records"),
    path("signatures/<int:signature>/", signing.SignaturePage.as_view(), name="signature"),
    path("freeze-lock/", locking.FreezeLock.as_view(), name="freeze_lock"),
    path("freeze-lock/forms/", locking.FreezeLockForms.as_view(), name="freeze_lock_forms"),
    path("freeze-lock/unlocks/<int:unlock>/", locking.DecideUnlock.as_view(), name="unlock_decide"),
    path("records/<int:record>/unlock/", locking.AskUnlock.as_view(), name="unlock_ask"),
]
